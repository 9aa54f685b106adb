-- Appends a batch of messages to any number of rooms: one call, one commit. Arrays run in parallel, one element per
-- message, in the order in which the messages arrived; at most a few hundred.
--   p_room, p_access    the room, and the access version under which the program checked the sender
--   p_actor, p_name     the sender's member key and shown name
--   p_id                the client's own id; with room and sender the key of retries
--   p_reply             seq of the message that is answered, or null
--   p_data              JSON text of the event
--   p_mentions          member keys, or '*', separated by U+001F; null without mentions. Keys of nobody here are dropped
--   p_attachments       ids of files that wait to be sent, separated by U+001F; null without any. A file becomes the
--                       message's when it is the sender's own and belongs to no message yet
-- Returns a row per message (ord counts from 1):
--   appended    seq and at are new
--   duplicate   the key was stored before, or stands earlier in this batch: seq and at of the first. This wins over
--               stale and bad_reply, so a retry gets its first result even after its sender left the room
--   not_found | stale | bad_reply    nothing was stored
-- The access version of the room may have changed since the program checked the sender. That makes the message stale only
-- where it can matter: every member may send while the room is neither read-only nor has a lobby, so members can talk in
-- a room that people keep joining. In a one-to-one room it always matters: the other may have to be brought back first.
--
-- It is a function because each statement in a function takes its own snapshot. The statement that looks for duplicates
-- starts after the rooms are locked, so it sees what another gateway committed while this one waited for the lock. The
-- snapshot of a single plain statement is older than its lock, so the statement would store the duplicate twice.
-- The generic plan and the ban on sequential scans keep every look-up an index look-up, also while statistics still say
-- that the tables are empty. "limit 1" keeps the planner from turning look-ups into joins over whole tables. For the same
-- reason files are looked up by id alone before their other columns are compared.
create or replace function causeway_append(
  p_room bigint[], p_access bigint[], p_actor text[], p_name text[],
  p_id text[], p_reply bigint[], p_data text[], p_mentions text[], p_attachments text[] default null
) returns table (ord bigint, status text, seq bigint, at bigint, room text)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_now bigint;
begin
  -- Rooms first, then markers, each in the order of its key: two batches never wait for each other in a circle.
  perform from room_heads h where h.conversation_id = any (p_room) order by h.conversation_id for no key update;
  perform from (select distinct k.room, k.actor collate "C" as actor from unnest(p_room, p_actor) as k (room, actor)) k
    join memberships m on m.conversation_id = k.room and m.member = k.actor
    order by m.conversation_id, m.member for no key update of m;
  v_now := causeway_now();

  return query
  with input as materialized (
    select i.ord, i.room, i.access, i.actor collate "C" as actor, i.name, i.id collate "C" as id, i.reply, i.data,
           i.mentions, i.attachments, hashtextextended(i.actor || chr(31) || i.id, 0) as dedupe
    from unnest(p_room, p_access, p_actor, p_name, p_id, p_reply, p_data, p_mentions, p_attachments)
      with ordinality as i (room, access, actor, name, id, reply, data, mentions, attachments, ord)
  ),
  judged as materialized (
    select i.*, h.token, h.head_seq, h.message_count, h.message_timer, greatest(v_now, h.last_activity) as at,
           first.seq as first_seq, first.at as first_at,
           case when h.conversation_id is null then 'not_found'
                when first.seq is not null then 'duplicate'
                when h.access_version <> i.access and (i.access = 0 or open.here is null) then 'stale'
                when i.reply is not null and answered.seq is null then 'bad_reply'
                else 'new' end as verdict
    from input i
    left join lateral (
      select * from room_heads where conversation_id = i.room limit 1
    ) h on true
    left join lateral (
      select e.seq, e.at from events e
      where e.conversation_id = i.room and e.dedupe = i.dedupe and e.client_id = i.id and e.actor = i.actor limit 1
    ) first on true
    left join lateral (
      select true as here from memberships m
      join conversations c on c.id = m.conversation_id and not c.read_only and not c.lobby and c.posting = 'all'
       and c.type <> 'one_to_one'
      where m.conversation_id = i.room and m.member = i.actor and h.access_version <> i.access limit 1
    ) open on true
    left join lateral (
      select e.seq from events e
      where e.conversation_id = i.room and e.seq = i.reply and e.type = 'message' and not e.deleted limit 1
    ) answered on i.reply is not null
  ),
  counted as materialized (
    select j.*, j.verdict = 'new' and row_number() over same = 1 as fresh, first_value(j.ord) over same as first_ord
    from judged j
    window same as (partition by j.room, j.dedupe, j.actor, j.id, j.verdict order by j.ord)
  ),
  placed as materialized (
    select c.*, count(*) filter (where c.fresh) over (partition by c.room order by c.ord) as n
    from counted c
  ),
  logged as (
    insert into events (conversation_id, seq, message_no, at, dedupe, type, actor, actor_name, client_id, data)
    select p.room, p.head_seq + p.n, p.message_count + p.n, p.at, p.dedupe, 'message', p.actor, p.name, p.id, p.data
    from placed p where p.fresh
  ),
  moved as (
    update room_heads h
    set head_seq = h.head_seq + t.n, message_count = h.message_count + t.n, last_activity = t.at,
        last_message_seq = h.head_seq + t.n
    from (select p.room, max(p.n) as n, max(p.at) as at from placed p where p.fresh group by p.room) t
    where h.conversation_id = t.room
  ),
  marked as (
    update memberships m set read_seq = t.seq, read_messages = t.message_no, read_at = t.at, unread_mark = false
    from (
      select p.room, p.actor, max(p.head_seq + p.n) as seq, max(p.message_count + p.n) as message_no,
             max(p.at) as at
      from placed p where p.fresh group by p.room, p.actor
    ) t
    where m.conversation_id = t.room and m.member = t.actor and m.read_seq < t.seq
  ),
  mentioned as (
    insert into mentions (conversation_id, member, seq)
    select p.room, k.member, p.head_seq + p.n
    from placed p
    cross join lateral unnest(string_to_array(p.mentions, chr(31))) as k (member)
    left join lateral (
      select true as here from memberships m where m.conversation_id = p.room and m.member = k.member limit 1
    ) member on true
    where p.fresh and p.mentions is not null and k.member <> p.actor and (k.member = '*' or member.here)
  ),
  expiring as (
    insert into message_expiries (conversation_id, seq, expires_at)
    select p.room, p.head_seq + p.n, p.at + p.message_timer from placed p where p.fresh and p.message_timer > 0
  ),
  attached as (
    update attachments a set conversation_id = f.room, seq = f.seq
    from (
      select p.room, p.head_seq + p.n as seq, file.id
      from placed p
      cross join lateral unnest(string_to_array(p.attachments, chr(31))) as k (id)
      cross join lateral (select * from attachments where id = k.id collate "C" limit 1) file
      where p.fresh and p.attachments is not null
        and file.owner = p.actor and file.conversation_id is null and file.deleted_at is null
    ) f
    where a.id = f.id
  )
  select p.ord,
         case when p.fresh then 'appended' when p.verdict = 'new' then 'duplicate' else p.verdict end,
         case when p.verdict = 'new' then first_value(p.head_seq + p.n) over (partition by p.first_ord order by p.ord)
              else p.first_seq end,
         case when p.verdict = 'new' then p.at else p.first_at end,
         p.token
  from placed p;
end $$;
