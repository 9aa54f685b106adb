-- The space in Matrix of each organization of which somebody may be signed in there, with what the bridge put into it. A row outlives
-- its organization until the space is emptied.
create table bridge_spaces (
  organization_id bigint primary key,
  matrix_room_id text collate "C",
  name text not null default '',
  failures integer not null default 0,
  retry_at bigint not null default 0,
  leased_until bigint not null default 0
);
create table bridge_space_rooms (
  organization_id bigint not null references bridge_spaces on delete cascade,
  matrix_room_id text collate "C" not null,
  primary key (organization_id, matrix_room_id)
);
create table bridge_space_members (
  organization_id bigint not null references bridge_spaces on delete cascade,
  member text collate "C" not null,
  primary key (organization_id, member)
);
