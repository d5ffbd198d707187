-- Are some chunks of a payload what they say? $1 = name, $2 = version, $3 = the first seq, $4 = the last one.
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.=) ($4::integer OPERATOR(pg_catalog.-) $3::integer OPERATOR(pg_catalog.+) 1)
       AND pg_catalog.bool_and(coalesce(pg_catalog.sha256(data) OPERATOR(pg_catalog.=) sha256, false))
  FROM model_chunks
 WHERE name OPERATOR(pg_catalog.=) $1::text AND version OPERATOR(pg_catalog.=) $2::integer
       AND seq OPERATOR(pg_catalog.>=) $3::integer AND seq OPERATOR(pg_catalog.<=) $4::integer
