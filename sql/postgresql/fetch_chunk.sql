-- One chunk. $1 = name, $2 = version, $3 = seq.
SELECT data FROM model_chunks WHERE name = $1 AND version = $2::integer AND seq = $3::integer
