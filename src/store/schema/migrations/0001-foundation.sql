-- The foundation: accounts, rooms, and the room log with its append path.
-- Times are milliseconds since 1970 UTC. Texts that must be unique whatever their case have a *_key column, folded by
-- the program: lower() depends on the database's locale. Room tables are keyed by the conversation first, so that they
-- can be sharded by it; the log has no foreign keys, because each would cost a look-up and a lock per message.

create function causeway_now() returns bigint
language sql volatile
as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

create table causeway_meta (
  key text primary key,
  value text not null
);

-- The identity of this database's history: clients resume only against the epoch that they saw.
insert into causeway_meta (key, value) values ('epoch', gen_random_uuid()::text);

-- ── People ──────────────────────────────────────────────────────────────────────────────────────────

create table organizations (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  created_at bigint not null default causeway_now()
);

-- Deleted users stay, so that ids and UUIDs are never used again; handle and e-mail become free.
create table users (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  public_id text not null unique,
  handle text not null,
  handle_key text not null,
  display_name text not null,
  email text,
  email_key text,
  password_hash text,
  administrator boolean not null default false,
  created_at bigint not null default causeway_now(),
  deleted_at bigint
);
create unique index users_handle on users (handle_key) where deleted_at is null;
create unique index users_email on users (email_key) where deleted_at is null;
create index users_deleted_handle on users (handle_key, deleted_at) where deleted_at is not null;

-- Grows whenever a live session of the user has to look again: memberships, credentials, the account itself.
-- The row goes with the user.
create table user_heads (
  user_id bigint primary key,
  version bigint not null default 1
) with (fillfactor = 50);

create table organization_users (
  organization_id bigint not null references organizations on delete cascade,
  user_id bigint not null references users,
  role text not null,
  primary key (organization_id, user_id)
);
create index organization_users_user on organization_users (user_id);

create table groups (
  id text primary key,
  name text not null
);

create table group_members (
  group_id text not null references groups on delete cascade,
  user_id bigint not null references users,
  primary key (group_id, user_id)
);
create index group_members_user on group_members (user_id);

create table organization_events (
  organization_id bigint not null references organizations on delete cascade,
  event_id bigint not null,
  name text not null,
  ends_at bigint,
  primary key (organization_id, event_id)
);

create table organization_event_users (
  organization_id bigint not null,
  event_id bigint not null,
  user_id bigint not null references users,
  primary key (organization_id, event_id, user_id),
  foreign key (organization_id, event_id) references organization_events on delete cascade
);
create index organization_event_users_user on organization_event_users (user_id);

-- Personal access tokens (user) and API tokens (organization); only the hash of the secret is kept.
create table tokens (
  id bigint generated always as identity primary key,
  user_id bigint references users,
  organization_id bigint references organizations on delete cascade,
  name text not null,
  hash bytea not null unique,
  created_at bigint not null default causeway_now(),
  expires_at bigint,
  check ((user_id is null) <> (organization_id is null))
);
create index tokens_user on tokens (user_id);
create index tokens_organization on tokens (organization_id);

create table logins (
  id bigint generated always as identity primary key,
  user_id bigint not null references users,
  hash bytea not null unique,
  persistent boolean not null,
  expires_at bigint not null
);
create index logins_user on logins (user_id);
create index logins_expiry on logins (expires_at);

create table avatars (
  id text primary key,
  bytes bytea not null,
  mime text not null,
  created_at bigint not null default causeway_now()
);

-- ── Rooms ───────────────────────────────────────────────────────────────────────────────────────────

-- What changes slowly about a room. What changes with every message is in room_heads.
create table conversations (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  token text not null unique,
  public_id text not null unique,
  organization_id bigint references organizations,
  type text not null,
  kind text,
  name text not null,
  name_key text not null,
  description text,
  avatar_id text,
  event_id bigint,
  automation_enabled boolean not null,
  history text not null,
  read_only boolean not null default false,
  lobby boolean not null default false,
  lobby_until bigint,
  password_hash text,
  created_by text not null,
  created_at bigint not null default causeway_now(),
  scheduled_deletion bigint,
  matrix_room_id text unique
);
create unique index conversations_name on conversations (organization_id, name_key) where kind is not null;
create unique index conversations_default on conversations (organization_id) where kind = 'default';
create unique index conversations_event on conversations (organization_id, event_id) where event_id is not null;
create index conversations_deletion on conversations (scheduled_deletion) where scheduled_deletion is not null;

-- One narrow row per room, rewritten with every batch of messages. Half-empty pages and no index on what changes keep
-- the new versions on the same page (HOT). Its row lock is the room's lock: whoever writes to the room's log or
-- memberships holds it, and several are taken in the order of ids.
create table room_heads (
  conversation_id bigint primary key,
  token text not null,
  head_seq bigint not null default 0,
  message_count bigint not null default 0,
  last_activity bigint not null,
  last_message_seq bigint not null default 0,
  access_version bigint not null default 1,
  call_seq bigint
) with (fillfactor = 50);
create index room_heads_call on room_heads (conversation_id) where call_seq is not null;

create table memberships (
  conversation_id bigint not null,
  member text collate "C" not null,
  user_id bigint,
  name text not null,
  role text not null,
  joined_seq bigint not null,
  history_from bigint not null,
  read_seq bigint not null,
  read_messages bigint not null,
  favourite boolean not null default false,
  notification_level text not null default 'default',
  muted boolean not null default false,
  pinned boolean not null default false,
  archived_at bigint,
  primary key (conversation_id, member)
) with (fillfactor = 80);
create index memberships_member on memberships (member, conversation_id);

-- A mention of everybody is one row with member '*'.
create table mentions (
  conversation_id bigint not null,
  member text collate "C" not null,
  seq bigint not null,
  primary key (conversation_id, member, seq)
);

-- The log. message_no is the room's running number of messages, on every event: the unread count at any marker is one
-- look-up. dedupe is the hash of sender and client id; the comparison after the hash is exact, so the index need not
-- be unique (the room's lock already excludes a second writer), and it stays small.
create table events (
  conversation_id bigint not null,
  seq bigint not null,
  message_no bigint not null,
  at bigint not null,
  dedupe bigint,
  deleted boolean not null default false,
  type text collate "C" not null,
  actor text collate "C" not null,
  actor_name text not null,
  client_id text collate "C",
  data text not null,
  primary key (conversation_id, seq)
);
create index events_dedupe on events (conversation_id, dedupe) where dedupe is not null;

-- Rooms that were deleted and whose log is still to be removed, in small steps.
create table deleted_rooms (
  conversation_id bigint primary key,
  token text not null,
  deleted_at bigint not null default causeway_now()
);

-- ── Appending messages ──────────────────────────────────────────────────────────────────────────────
-- Appends a batch of messages to any number of rooms: one call, one commit. Arrays run in parallel, one element per
-- message, in the order in which they arrived; at most a few hundred.
--   p_room, p_access    the room, and the access version under which the sender was judged
--   p_actor, p_name     the sender's member key and shown name
--   p_id                the client's own id; with room and sender the key of retries
--   p_reply             seq of the message that is answered, or null
--   p_data              JSON text of the event
--   p_mentions          member keys, or '*', separated by U+001F; null without mentions. Keys of nobody here are dropped
-- Returns a row per message (ord counts from 1):
--   appended    seq and at are new
--   duplicate   the key was stored before, or stands earlier in this batch: seq and at of the first. This wins over
--               stale and bad_reply, so a retry gets its first result even after its sender left the room
--   not_found | stale | bad_reply    nothing was stored
-- A sender who was judged under another access version is only stale where it can matter: while the room is neither
-- read-only nor has a lobby, every member may send, and a room that people keep joining lets its members talk.
--
-- A function, because each statement in it takes its own snapshot: the one that looks for duplicates starts after the
-- rooms' locks are held, so it sees whatever another gateway committed while this one waited. In a single plain
-- statement the snapshot is older than the lock, and the duplicate would be stored twice.
-- The generic plan and the ban on sequential scans keep every look-up an index look-up, also while statistics still
-- say that the tables are empty; "limit 1" keeps the planner from turning look-ups into joins over whole tables.
create function causeway_append(
  p_room bigint[], p_access bigint[], p_actor text[], p_name text[],
  p_id text[], p_reply bigint[], p_data text[], p_mentions text[]
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
           i.mentions, hashtextextended(i.actor || chr(31) || i.id, 0) as dedupe
    from unnest(p_room, p_access, p_actor, p_name, p_id, p_reply, p_data, p_mentions)
      with ordinality as i (room, access, actor, name, id, reply, data, mentions, ord)
  ),
  judged as materialized (
    select i.*, h.token, h.head_seq, h.message_count, greatest(v_now, h.last_activity) as at,
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
      join conversations c on c.id = m.conversation_id and not c.read_only and not c.lobby
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
  )
  select p.ord,
         case when p.fresh then 'appended' when p.verdict = 'new' then 'duplicate' else p.verdict end,
         case when p.verdict = 'new' then first_value(p.head_seq + p.n) over (partition by p.first_ord order by p.ord)
              else p.first_seq end,
         case when p.verdict = 'new' then p.at else p.first_at end,
         p.token
  from placed p;
end $$;
