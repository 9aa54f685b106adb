-- Links of rooms may have a password, and a link's code alone finds its room.
alter table conversations add column guest_password_hash text;
create unique index conversations_guest_code on conversations (guest_code) where guest_code is not null;
