-- How many lines the record has of the change $1.
SELECT pg_catalog.count(*) FROM model_events WHERE change_id OPERATOR(pg_catalog.=) $1::uuid
