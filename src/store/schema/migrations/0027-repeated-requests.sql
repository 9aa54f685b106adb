-- Requests that clients may repeat under a key of their own, for 24 hours. Neither the key nor the request is kept: both
-- are hashes, the request's keyed with the database's secret.
create table repeatable_requests (
  key bytea primary key,
  request bytea not null,
  -- Whatever the request makes is made under this id, so that it is made once.
  id uuid not null default gen_random_uuid(),
  created_at bigint not null default causeway_now()
);
create index repeatable_requests_age on repeatable_requests (created_at);
