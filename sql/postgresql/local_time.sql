-- What a clock of this session shows at an instant: both are seconds since 1970-01-01 00:00, there and in UTC. $1 = the instant.
SELECT extract(epoch FROM pg_catalog.to_timestamp($1::double precision)::timestamp)::bigint
