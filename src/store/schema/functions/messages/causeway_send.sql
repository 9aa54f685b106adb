-- Calls causeway_append under a lock that says since when messages are being written. The lock is shared and held to the
-- end of the transaction. Its key is made as in causeway_journal_time.sql, under a mark of its own. Messages are given
-- their times after the lock is held.
--   p_thread   the seq with which the thread of a message begins; null for the whole batch where no message is in a thread
drop function if exists causeway_send(bigint[], bigint[], text[], text[], text[], bigint[], text[], text[], text[]);
create or replace function causeway_send(
  p_room bigint[], p_access bigint[], p_actor text[], p_name text[],
  p_id text[], p_reply bigint[], p_data text[], p_mentions text[], p_attachments text[], p_thread bigint[] default null
) returns table (ord bigint, status text, seq bigint, at bigint, room text)
language plpgsql volatile
as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock_shared((17240::bigint << 48) | causeway_now());
  if p_thread is null then
    return query
    select a.ord, a.status, a.seq, a.at, a.room
    from causeway_append(p_room, p_access, p_actor, p_name, p_id, p_reply, p_data, p_mentions, p_attachments) a;
    return;
  end if;
  return query
  with sent as materialized (
    select a.* from causeway_append(p_room, p_access, p_actor, p_name, p_id, p_reply, p_data, p_mentions, p_attachments) a
  ),
  answers as materialized (
    select p_room[s.ord] as room, p_thread[s.ord] as root, s.seq, s.at, p_actor[s.ord] as author
    from sent s where s.status = 'appended' and p_thread[s.ord] is not null
  ),
  answered as (
    insert into thread_answers (conversation_id, root, seq, author) select a.room, a.root, a.seq, a.author from answers a
  ),
  counted as (
    insert into threads as t (conversation_id, root, answers, last_seq, last_at)
    select a.room, a.root, count(*), max(a.seq), max(a.at) from answers a group by a.room, a.root
    on conflict (conversation_id, root) do update
    set answers = t.answers + excluded.answers, last_seq = excluded.last_seq, last_at = excluded.last_at
  )
  select s.ord, s.status, s.seq, s.at, s.room from sent s;
end $$;
