-- How far the journal can be read so that nothing is committed behind its reader. Entries that are not committed yet have
-- this time (`horizon`) or a later one; statements that start now see all entries before it. The clock is read before the
-- locks: a transaction that is not among them takes a later time. The function waits out the millisecond, so entries that
-- the caller has just committed are before the horizon, unless others who began earlier still write.
create or replace function causeway_journal_horizon() returns table (called bigint, horizon bigint)
language plpgsql volatile
as $$
declare
  v_now bigint;
begin
  perform pg_sleep(0.001);
  v_now := causeway_now();
  return query
  select v_now, least(v_now, min(((l.classid::bigint & 65535) << 32) | l.objid::bigint))
  from pg_locks l
  where l.locktype = 'advisory' and l.objsubid = 1 and l.mode = 'ShareLock' and l.classid::bigint >> 16 = 17239
    and l.database = (select d.oid from pg_database d where d.datname = current_database());
end $$;
