-- How far the journal can be read, so that nothing is committed behind its reader; and connections as part of it.

-- The time of what is written to the journal. The transaction holds a shared advisory lock from before the first such
-- time to its end, whose key says since when: 16 bits that mark it, 48 bits ms since 1970. Nobody waits for it.
create function causeway_journal_time() returns bigint
language plpgsql volatile
as $$
begin
  if coalesce(current_setting('causeway.journal', true), '') = '' then
    perform pg_advisory_xact_lock_shared((17239::bigint << 48) | causeway_now());
    perform set_config('causeway.journal', 'held', true);
  end if;
  return causeway_now();
end $$;

-- Whatever is not committed yet gets, or got, this time (`horizon`) or a later one; statements that start now see all
-- that is before. The clock is read before the locks: who is not among them takes a later time. By waiting out the
-- millisecond, what the caller committed just now is before it, unless others who began earlier still write.
create function causeway_journal_horizon() returns table (called bigint, horizon bigint)
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

-- Members are told of what happened from their joining on, also where they may look further back.
create or replace function causeway_departed() returns trigger
language plpgsql
as $$
begin
  insert into departures (conversation_id, member, uuid, history_from, last_seq, at, deleted, actor, actor_name)
  select g.conversation_id, g.member, c.uuid, greatest(g.history_from, g.joined_seq - 1),
         h.head_seq + case when e.seq is null then count(*) over (partition by g.conversation_id) else 0 end,
         coalesce(e.at, greatest(h.last_activity, causeway_now())), e.seq is not null, e.actor, e.actor_name
  from gone g
  join conversations c on c.id = g.conversation_id
  join room_heads h on h.conversation_id = g.conversation_id
  left join events e on e.conversation_id = g.conversation_id and e.seq = h.head_seq and e.type = 'room.deleted'
  where g.user_id is not null
  on conflict do nothing;
  return null;
end $$;

create index connections_changes on connections (user_id, updated_at);
