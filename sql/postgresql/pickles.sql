-- Names of which a row is loaded with pickle.loads: it has the format pickle, or another program wrote it (then true) and it begins as a pickle of
-- protocol 2 to 5. Of a payload only its first two bytes are read.
SELECT name, pg_catalog.bool_or(run_id IS NULL)
  FROM models
 WHERE name IS NOT NULL AND version IS NOT NULL
       AND CASE WHEN run_id IS NOT NULL THEN format OPERATOR(pg_catalog.=) 'pickle'
                ELSE pg_catalog.substr(model_binary, 1, 2) OPERATOR(pg_catalog.=) ANY ('{"\\x8002","\\x8003","\\x8004","\\x8005"}'::bytea[]) END
 GROUP BY name
