-- How far a member has read by the last receipt that went to Matrix or came from there. Whoever raises it sends the receipt, so that of
-- several workers one does, and what comes back as an echo moves nothing.
alter table bridge_members add column read_seq bigint not null default 0;
