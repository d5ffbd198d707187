-- How many lines the record has of the change $1.
SELECT count(*) FROM model_events WHERE change_id = $1
