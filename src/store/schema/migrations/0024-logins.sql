-- Logins have an absolute end, all of a user's can be ended at once, and people are known where they signed in before.

alter table logins add column started_at bigint not null default causeway_now();

-- When all logins of the user were ended: what was proven before (a JWT, a password) proves nothing any more.
alter table users add column logins_ended_at bigint;

-- Addresses from which users signed in, as keyed hashes: who comes from one of them is served before strangers.
create table login_places (
  user_id bigint not null references users,
  place bytea not null,
  seen_at bigint not null default causeway_now(),
  primary key (user_id, place)
);
create index login_places_seen on login_places (seen_at);
