-- Messages that members have hidden for themselves. A row stays when the message is deleted, so that it stays gone; and
-- when the member leaves, so that it is hidden when they come back.
create table hidden_messages (
  conversation_id bigint not null,
  member text collate "C" not null,
  seq bigint not null,
  no bigint not null,
  primary key (conversation_id, member, seq)
);
create index hidden_messages_message on hidden_messages (conversation_id, seq);
create index hidden_messages_member on hidden_messages (member);

-- How many messages each member has hidden in all rooms: the number of the last one.
create table hidden_counts (
  member text collate "C" primary key,
  no bigint not null
) with (fillfactor = 50);

-- The number of the last message that the member has hidden in the room; 0: none, and nothing has to be looked up.
alter table memberships add column hidden_no bigint not null default 0;
