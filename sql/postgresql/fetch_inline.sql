-- A further piece of an inline payload. $1 = name, $2 = version, $3 = first byte (from 1), $4 = bytes.
SELECT substring(model_binary FROM $3::integer FOR $4::integer) FROM models WHERE name = $1 AND version = $2::integer
