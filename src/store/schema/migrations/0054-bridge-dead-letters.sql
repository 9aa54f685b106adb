-- What the bridge put aside, each with its reason: events and changes that the homeserver refused, and events from Matrix that
-- could not be applied. Nothing is given up without a row here.

-- direction: to_matrix or from_matrix. kind: the op of an outbox entry, 'change' for a change of the Matrix room or of a
-- membership (what tells which), or the type of a Matrix event. content: the outbox entry or the Matrix event as JSON, for
-- another try; the text of a message that goes to Matrix is not in it. retried: a change that the next turn repeats.
create table bridge_dead_letters (
  id bigint generated always as identity primary key,
  conversation_id bigint not null,
  room text not null,
  direction text not null,
  kind text not null,
  what text not null default '',
  seq bigint,
  part smallint,
  event_id text collate "C",
  content text,
  errcode text,
  reason text not null,
  at bigint not null default causeway_now(),
  retried boolean not null default false
);
create index bridge_dead_letters_room on bridge_dead_letters (conversation_id, id);
create unique index bridge_dead_letters_entry on bridge_dead_letters (conversation_id, seq, part) where seq is not null;
create unique index bridge_dead_letters_event on bridge_dead_letters (event_id) where event_id is not null;
create index bridge_dead_letters_retried on bridge_dead_letters (conversation_id) where retried;
create unique index bridge_dead_letters_change on bridge_dead_letters (conversation_id, what) where kind = 'change';

-- late: a dead letter that is tried again. The room's cursor has passed its event.
alter table bridge_outbox add column late boolean not null default false;
create index bridge_outbox_late on bridge_outbox (conversation_id) where late;

-- Why the room's last turn failed; null when it did not.
alter table bridge_rooms add column reason text;
