-- The database's clock, in milliseconds since 1970 UTC. It advances within a transaction.
create or replace function causeway_now() returns bigint
language sql volatile
as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;
