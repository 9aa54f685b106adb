-- An event from Matrix that came before the event that it is about waits for it. waits_since is the database's time; a
-- search for events that were not delivered, begun after it, ends the wait.
alter table bridge_inbox add column waits_for text collate "C", add column waits_since bigint;
create index bridge_inbox_waits_for on bridge_inbox (waits_for) where waits_for is not null;

-- When the event was sent by the homeserver's clock, ms: of two edits the newer counts.
alter table bridge_events add column at bigint;
