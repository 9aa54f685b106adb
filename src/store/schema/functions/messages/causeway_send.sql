-- Calls causeway_append under a lock that says since when messages are being written. The lock is shared and held to the
-- end of the transaction. Its key is made as in causeway_journal_time.sql, under a mark of its own. Messages are given
-- their times after the lock is held.
create or replace function causeway_send(
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
