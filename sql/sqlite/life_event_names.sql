-- The names that the record of changes has a line of.
SELECT DISTINCT name FROM model_events
