-- What stands in the place of a dead letter that is tried again, and goes when the retry succeeds: of an entry to Matrix the event
-- of the line there (stand_in of the outbox), of an event from Matrix the seq of the line in the chat (stand_in of the inbox).
-- retried: an event from Matrix that was a dead letter.
alter table bridge_outbox add column stand_in text collate "C";
alter table bridge_inbox add column retried boolean not null default false, add column stand_in bigint;
create index bridge_inbox_stand_in on bridge_inbox (conversation_id, stand_in) where stand_in is not null;
