-- How many are in a room, so that a list of rooms counts nothing. The trigger of causeway_count_members keeps it up.
alter table room_heads add column members integer not null default 0;
