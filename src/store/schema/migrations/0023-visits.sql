-- Clients that joined a room and did not leave it, so that they are there again after a loss of hot state. A row goes with
-- the membership.
create table visits (
  conversation_id bigint not null,
  member text collate "C" not null,
  session text collate "C" not null,
  joined_at bigint not null,
  -- Of the call that the session is in; null: it is in none.
  call_flags smallint,
  primary key (conversation_id, member, session),
  foreign key (conversation_id, member) references memberships on delete cascade
);
create index visits_joined on visits (joined_at);

-- Guests who were in a room: what they called themselves, and whether a moderator took them out.
create table former_guests (
  conversation_id bigint not null,
  member text collate "C" not null,
  name text not null,
  removed boolean not null default false,
  left_at bigint not null default causeway_now(),
  primary key (conversation_id, member)
);
create index former_guests_left on former_guests (left_at);
