-- pickles.sql for a `models` table made by hand that was not adopted yet.
SELECT name, true
  FROM models
 WHERE name IS NOT NULL AND version IS NOT NULL
       AND pg_catalog.substr(model_binary, 1, 2) OPERATOR(pg_catalog.=) ANY ('{"\\x8002","\\x8003","\\x8004","\\x8005"}'::bytea[])
 GROUP BY name
