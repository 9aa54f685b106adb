-- The bridge looks at what changed, not at all rooms, and may mirror a room's log again.

-- What was written lately, in any room. Events are written in the order of time, nearly, so a summary of each range of
-- pages is enough, and appending to the log pays next to nothing for it.
create index events_at on events using brin (at) with (pages_per_range = 32, autosummarize = on);

-- seen_head is the room's head when the bridge last looked: a row is in one of the partial indexes only while there is
-- something to do. gone: the chatroom was deleted. run counts how often the log was carried over from an earlier place.
alter table bridge_rooms
  add column seen_head bigint not null default 0,
  add column gone boolean not null default false,
  add column run integer not null default 0;
update bridge_rooms b set seen_head = h.head_seq from room_heads h where h.conversation_id = b.conversation_id;
update bridge_rooms b set gone = true
where not exists (select from room_heads h where h.conversation_id = b.conversation_id);
create index bridge_rooms_behind on bridge_rooms (conversation_id) where seen_head > mirrored_seq;
create index bridge_rooms_gone on bridge_rooms (conversation_id) where gone;
create index bridge_rooms_retry on bridge_rooms (retry_at) where retry_at > 0;

create function causeway_room_gone() returns trigger
language plpgsql
as $$
begin
  update bridge_rooms set gone = true where conversation_id = old.conversation_id;
  return null;
end $$;
create trigger room_heads_gone after delete on room_heads for each row execute function causeway_room_gone();

-- changed: the user has another name by now, or was deleted, and the account in Matrix was not told yet.
alter table bridge_ghosts add column changed boolean not null default false;
update bridge_ghosts g set changed = true
from users u where g.member = 'u:' || u.id and g.display_name <> '' and g.display_name <> u.display_name and u.deleted_at is null;
create index bridge_ghosts_changed on bridge_ghosts (member) where changed;

create function causeway_ghost_changed() returns trigger
language plpgsql
as $$
begin
  update bridge_ghosts set changed = true where member = 'u:' || new.id;
  return null;
end $$;
create trigger users_ghost after update of display_name, deleted_at on users for each row
  when (old.display_name <> new.display_name or (old.deleted_at is null and new.deleted_at is not null))
  execute function causeway_ghost_changed();

-- What waits was perhaps sent before, under a transaction id of another kind than the program uses from now on: as with
-- everything that waits for longer than homeservers remember, the room is searched for it first.
update bridge_outbox set planned_at = 0;
