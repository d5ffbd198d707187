-- A further piece of an inline payload. $1 = name, $2 = version, $3 = first byte (from 1), $4 = bytes.
SELECT pg_catalog.substring(model_binary, $3::integer, $4::integer)
  FROM models
 WHERE name OPERATOR(pg_catalog.=) $1::text AND version OPERATOR(pg_catalog.=) $2::integer
