-- What people tell of themselves, and to whom.

alter table users add column avatar_id text;
alter table users add column status text not null default '';
alter table users add column receipts_for text not null default 'everybody'
  check (receipts_for in ('everybody', 'contacts', 'nobody'));
alter table users add column last_seen_for text not null default 'everybody'
  check (last_seen_for in ('everybody', 'contacts', 'nobody'));

-- A picture belongs to a room or to a user. source: the attachment that a user's picture was made of.
alter table avatars alter column conversation_id drop not null;
alter table avatars add column user_id bigint references users;
alter table avatars add column source text;
alter table avatars add constraint avatars_owner check ((conversation_id is null) <> (user_id is null));
create unique index avatars_user on avatars (user_id) where user_id is not null;

-- A session is told at its start whom its user blocks.
create index connections_blocked on connections (user_id) where status = 'blocked';
