-- Messages and people: reactions, pins, expiry, files, who is connected with whom, contact books, and webhooks.

-- ── Messages ────────────────────────────────────────────────────────────────────────────────────────

create table reactions (
  conversation_id bigint not null,
  seq bigint not null,
  name text collate "C" not null,
  member text collate "C" not null,
  actor_name text not null,
  at bigint not null default causeway_now(),
  primary key (conversation_id, seq, name, member)
);

create table pinned_messages (
  conversation_id bigint primary key,
  seq bigint not null
);

-- Only messages of rooms with a message timer have a row here.
create table message_expiries (
  conversation_id bigint not null,
  seq bigint not null,
  expires_at bigint not null,
  primary key (conversation_id, seq)
);
create index message_expiries_due on message_expiries (expires_at);

-- When a marker reached a seq. Only the first two to get there leave a step: whoever wrote a message, the first of the
-- others is among them.
create table read_steps (
  conversation_id bigint not null,
  seq bigint not null,
  member text collate "C" not null,
  at bigint not null,
  primary key (conversation_id, seq, member)
);

-- Files, whose bytes are elsewhere under the same id. Deleted ones stay for a while, because lists go on from them.
create table attachments (
  id text collate "C" primary key,
  owner text collate "C" not null,
  filename text not null,
  type text not null,
  size bigint not null,
  created_at bigint not null,
  conversation_id bigint,
  seq bigint,
  deleted_at bigint,
  file_gone boolean not null default false
);
create index attachments_message on attachments (conversation_id, seq) where conversation_id is not null;
create index attachments_waiting on attachments (owner, created_at)
  where conversation_id is null and deleted_at is null;
create index attachments_stale on attachments (created_at) where conversation_id is null and deleted_at is null;
create index attachments_deleted on attachments (deleted_at) where deleted_at is not null;

-- ── People ──────────────────────────────────────────────────────────────────────────────────────────

-- A row for each side.
create table connections (
  user_id bigint not null references users,
  peer_id bigint not null references users,
  status text not null,
  message text,
  updated_at bigint not null default causeway_now(),
  primary key (user_id, peer_id)
);
create index connections_peer on connections (peer_id);

-- Deleted entries stay for a while, because lists go on from them; activity is then where they stood.
create table contacts (
  owner_id bigint not null references users,
  user_id bigint not null references users,
  phone_number text,
  avatar_url text,
  display_name text,
  created_at bigint not null default causeway_now(),
  deleted_at bigint,
  activity bigint,
  primary key (owner_id, user_id)
);
create index contacts_user on contacts (user_id);

-- From when on an organization's webhooks hear of what a user takes part in.
alter table organization_users add column created_at bigint not null default causeway_now();

-- The pair of two users as conversations.pair has it.
create function causeway_pair(a bigint, b bigint) returns text
language sql immutable
as $$
  select least(('u:' || a) collate "C", ('u:' || b) collate "C") || ' ' || greatest(('u:' || a) collate "C", ('u:' || b) collate "C")
$$;

-- ── Webhooks ────────────────────────────────────────────────────────────────────────────────────────

create table webhooks (
  id bigint generated always as identity primary key,
  organization_id bigint not null references organizations on delete cascade,
  url text not null,
  events text[],
  secret text not null,
  created_at bigint not null default causeway_now()
);
create index webhooks_organization on webhooks (organization_id);

-- A webhook and a room (0: no room): how far its log was read, and when its first delivery is due; null: none waits.
-- Whoever delivers holds the lane until leased_until; lease grows with every claim and proves it.
create table webhook_lanes (
  webhook_id bigint not null references webhooks on delete cascade,
  conversation_id bigint not null,
  seq bigint not null default 0,
  reading boolean not null default true,
  next_at bigint,
  attempts integer not null default 0,
  lease bigint not null default 0,
  leased_until bigint not null default 0,
  primary key (webhook_id, conversation_id)
);
create index webhook_lanes_room on webhook_lanes (conversation_id);
create index webhook_lanes_due on webhook_lanes (next_at) where next_at is not null;

-- What waits to be delivered, in the order of ids within a lane.
create table webhook_deliveries (
  id bigint generated always as identity primary key,
  webhook_id bigint not null references webhooks on delete cascade,
  conversation_id bigint not null,
  event_id text not null,
  type text not null,
  body text not null,
  created_at bigint not null default causeway_now()
);
create index webhook_deliveries_lane on webhook_deliveries (webhook_id, conversation_id, id);

-- What happened outside of the logs, written with it, until it was put into the lanes.
create table webhook_notes (
  id bigint generated always as identity primary key,
  type text not null,
  user_id bigint not null,
  conversation_id bigint,
  data text not null
);

-- Rooms as they were when they were deleted, until the webhooks have heard of it.
create table room_snapshots (
  conversation_id bigint primary key,
  data text not null,
  created_at bigint not null default causeway_now()
);

drop function causeway_append(bigint[], bigint[], text[], text[], text[], bigint[], text[], text[]);

-- ── Appending messages ──────────────────────────────────────────────────────────────────────────────
-- Appends a batch of messages to any number of rooms: one call, one commit. Arrays run in parallel, one element per
-- message, in the order in which they arrived; at most a few hundred.
--   p_room, p_access    the room, and the access version under which the sender was judged
--   p_actor, p_name     the sender's member key and shown name
--   p_id                the client's own id; with room and sender the key of retries
--   p_reply             seq of the message that is answered, or null
--   p_data              JSON text of the event
--   p_mentions          member keys, or '*', separated by U+001F; null without mentions. Keys of nobody here are dropped
--   p_attachments       ids of files that wait to be sent, separated by U+001F; null without any. Only the sender's own
--                       that belong to no message yet become the message's
-- Returns a row per message (ord counts from 1):
--   appended    seq and at are new
--   duplicate   the key was stored before, or stands earlier in this batch: seq and at of the first. This wins over
--               stale and bad_reply, so a retry gets its first result even after its sender left the room
--   not_found | stale | bad_reply    nothing was stored
-- A sender who was judged under another access version is only stale where it can matter: while the room is neither
-- read-only nor has a lobby, every member may send, and a room that people keep joining lets its members talk. In a
-- one-to-one room it always matters: the other may have to be brought back first.
--
-- A function, because each statement in it takes its own snapshot: the one that looks for duplicates starts after the
-- rooms' locks are held, so it sees whatever another gateway committed while this one waited. In a single plain
-- statement the snapshot is older than the lock, and the duplicate would be stored twice.
-- The generic plan and the ban on sequential scans keep every look-up an index look-up, also while statistics still
-- say that the tables are empty; "limit 1" keeps the planner from turning look-ups into joins over whole tables. That is
-- also why files are looked up by id alone before anything else is asked of them.
create function causeway_append(
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
      join conversations c on c.id = m.conversation_id and not c.read_only and not c.lobby and c.type <> 'one_to_one'
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
    update memberships m set read_seq = t.seq, read_messages = t.message_no
    from (
      select p.room, p.actor, max(p.head_seq + p.n) as seq, max(p.message_count + p.n) as message_no
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
