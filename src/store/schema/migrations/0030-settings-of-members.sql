-- A member's settings of a room: until when it is muted, and a number that grows with each change of the entry that the
-- member has in their list. It is a time, so that it goes on growing when somebody leaves a room and comes back.
alter table memberships add column muted_until bigint, add column entry_rev bigint not null default 0;
alter table memberships alter column entry_rev set default causeway_now();
create index memberships_muted_until on memberships (muted_until) where muted_until is not null;
