-- Whoever knows this code, and the room's public id, may join a room whose access has "code". Null: there is no link.
alter table conversations add column guest_code text;
