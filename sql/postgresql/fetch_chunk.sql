-- One chunk. $1 = name, $2 = version, $3 = seq.
SELECT data
  FROM model_chunks
 WHERE name OPERATOR(pg_catalog.=) $1::text AND version OPERATOR(pg_catalog.=) $2::integer AND seq OPERATOR(pg_catalog.=) $3::integer
