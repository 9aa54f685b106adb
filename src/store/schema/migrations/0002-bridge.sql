-- The bridge to Matrix: how far each room is mirrored, what is on its way in either direction, and which Matrix event
-- stands for which event of the log. Members are named by their keys, as in memberships.

-- Bridge processes that are alive. A room whose owner's row is gone or out of date is free.
create table bridge_workers (
  node text primary key,
  expires_at bigint not null
);

-- Small values of the bridge as a whole, such as where its /sync stands.
create table bridge_state (
  key text primary key,
  value text not null
);

-- mirrored_seq is the bridge's cursor in the room's log. The row outlives its conversation until the Matrix room is
-- cleared away. unsettled counts the reasons to put its memberships right that were not dealt with yet.
create table bridge_rooms (
  conversation_id bigint primary key,
  token text not null,
  matrix_room_id text unique,
  room_version text,
  mirrored_seq bigint not null default 0,
  read_only boolean not null default false,
  unsettled integer not null default 0,
  owner text,
  failures integer not null default 0,
  retry_at bigint not null default 0
) with (fillfactor = 70);
create index bridge_rooms_unsettled on bridge_rooms (conversation_id) where unsettled > 0;

-- What is to be sent to Matrix, written before it is sent: one row per event of the log, in the log's order.
-- (token, seq, op, rev) give the transaction id; target is the seq of the message that is answered, edited or deleted.
create table bridge_outbox (
  conversation_id bigint not null,
  seq bigint not null,
  op text not null,
  rev integer not null default 0,
  sender text not null,
  sender_name text not null,
  content text not null,
  target bigint,
  shown text,
  at bigint not null,
  planned_at bigint not null default causeway_now(),
  primary key (conversation_id, seq)
) with (fillfactor = 80);

-- What came from Matrix, in the order of its arrival. A row that was dealt with loses its event and stays for some
-- days: a homeserver may deliver the same event again under another transaction.
create table bridge_inbox (
  position bigint generated always as identity,
  event_id text collate "C" primary key,
  conversation_id bigint not null,
  event text,
  received_at bigint not null default causeway_now(),
  done_at bigint,
  failures integer not null default 0
) with (fillfactor = 80);
create index bridge_inbox_waiting on bridge_inbox (conversation_id, position) where done_at is null;
create index bridge_inbox_done on bridge_inbox (done_at) where done_at is not null;

-- Which Matrix event stands for which event of the log. Events that the bridge sent have their own seq; an edit that
-- came from Matrix ('matrix_edit') has its message's, and there may be many. shown is the hash of the text that Matrix
-- shows, so that what came from there is not sent back.
create table bridge_events (
  event_id text collate "C" primary key,
  conversation_id bigint not null,
  seq bigint not null,
  op text not null,
  sender text not null,
  target bigint,
  shown text,
  redacted boolean not null default false
);
create unique index bridge_events_seq on bridge_events (conversation_id, seq, op) where op <> 'matrix_edit';
create index bridge_events_target on bridge_events (conversation_id, target) where target is not null;

-- Memberships as Matrix has them, as far as we know: invite, join, leave or ban.
create table bridge_members (
  conversation_id bigint not null,
  member text collate "C" not null,
  membership text not null,
  primary key (conversation_id, member)
);

-- Accounts that the bridge made at the homeserver, with the name that they have there. active: a person has signed in
-- to it, or may.
create table bridge_ghosts (
  member text collate "C" primary key,
  display_name text not null default '',
  active boolean not null default false
);
