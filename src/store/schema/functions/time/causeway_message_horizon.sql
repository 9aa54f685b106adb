-- Like causeway_journal_horizon, for messages: how far lists of messages can be read.
create or replace function causeway_message_horizon() returns table (called bigint, horizon bigint)
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
  where l.locktype = 'advisory' and l.objsubid = 1 and l.mode = 'ShareLock' and l.classid::bigint >> 16 = 17240
    and l.database = (select d.oid from pg_database d where d.datname = current_database());
end $$;
