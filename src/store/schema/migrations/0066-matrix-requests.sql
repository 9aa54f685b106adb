-- A one-to-one room that somebody in Matrix asks for is a request until its user accepts: it is blocked until then.
alter table conversations add column request boolean not null default false;
create index conversations_requests on conversations (created_by) where request;

-- Whom in Matrix users block.
create table matrix_blocks (
  user_id bigint not null references users,
  matrix_id text collate "C" not null,
  at bigint not null default causeway_now(),
  primary key (user_id, matrix_id)
);

-- Invitations of ghosts to rooms that were made in Matrix, from their delivery until they are answered. Answered ones stay for a
-- while, because a homeserver may deliver them again.
create table bridge_invitations (
  event_id text collate "C" primary key,
  matrix_room_id text collate "C" not null,
  ghost text collate "C" not null,
  sender text collate "C" not null,
  sender_name text not null,
  direct boolean not null,
  encrypted boolean not null,
  -- The two of the chatroom (conversations.pair), from before the chat is asked for it; and that chatroom, once it was.
  pair text collate "C",
  conversation_id bigint,
  -- Why it is to be refused; null until that is known.
  refusal text,
  done_at bigint,
  failures integer not null default 0,
  retry_at bigint not null default 0,
  leased_until bigint not null default 0
);
create index bridge_invitations_open on bridge_invitations (retry_at) where done_at is null;
create unique index bridge_invitations_pair on bridge_invitations (pair) where done_at is null and refusal is null;

-- The Matrix room was made by somebody in Matrix: its state is theirs.
alter table bridge_rooms add column foreign_room boolean not null default false;
