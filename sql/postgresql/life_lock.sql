-- All rows of a name, $1, for this transaction alone. In the order of versions, so that two of them do not wait for each other.
SELECT version FROM models WHERE name OPERATOR(pg_catalog.=) $1::text ORDER BY version FOR UPDATE
