-- A member wants to come back to the room, as if something were unread.
alter table memberships add column unread_mark boolean not null default false;
