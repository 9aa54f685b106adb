-- What lists of messages over several rooms need: how far they can be read so that nothing is committed behind their
-- reader, and where the messages of deleted rooms stood.

-- `causeway_append` inside of a lock that says since when messages are being written: shared, until the end of the
-- transaction, its key made as in 0007-wire.sql under a mark of its own. Messages are given their times after it is held.
create function causeway_send(
  p_room bigint[], p_access bigint[], p_actor text[], p_name text[],
  p_id text[], p_reply bigint[], p_data text[], p_mentions text[], p_attachments text[]
) returns table (ord bigint, status text, seq bigint, at bigint, room text)
language plpgsql volatile
as $$
begin
  perform pg_advisory_xact_lock_shared((17240::bigint << 48) | causeway_now());
  return query
  select a.ord, a.status, a.seq, a.at, a.room
  from causeway_append(p_room, p_access, p_actor, p_name, p_id, p_reply, p_data, p_mentions, p_attachments) a;
end $$;

-- As `causeway_journal_horizon`, for messages.
create function causeway_message_horizon() returns table (called bigint, horizon bigint)
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

-- The last messages of deleted rooms, whose logs are removed: lists go on from them as long as departures are kept.
create table former_messages (
  conversation_id bigint not null,
  seq bigint not null,
  at bigint not null,
  removed_at bigint not null default causeway_now(),
  primary key (conversation_id, seq)
);
create index former_messages_age on former_messages (removed_at);
