-- doubts counts the reasons to look whether the Matrix room is there and as it should be, that were not dealt with yet.
alter table bridge_rooms add column doubts integer not null default 0;
create index bridge_rooms_doubted on bridge_rooms (conversation_id) where doubts > 0;

-- Events that stood for events of the log in an earlier run: in a Matrix room that is gone, or before the log was mirrored
-- again. They are known for ever, so that one that a homeserver delivers again is not taken for a person's.
create table bridge_former_events (like bridge_events including defaults);
alter table bridge_former_events add primary key (event_id);
create index bridge_former_events_room on bridge_former_events (conversation_id);

-- Who leaves in Matrix is held here for a moment: a homeserver that deletes a room makes everybody leave it.
alter table bridge_inbox add column held_until bigint;
