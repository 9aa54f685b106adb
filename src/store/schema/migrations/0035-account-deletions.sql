-- Accounts that their users delete.

-- What becomes of the messages of the organization's users who delete their account; choice: what they wish.
alter table organizations add column deleted_messages text not null default 'choice'
  check (deleted_messages in ('keep', 'erase', 'choice'));

-- Deleted accounts of which something is still to be done, in small steps: the user leaves rooms, then the whole log is
-- walked through, up to (at_room, at_seq), and the user's name and, with erase, messages go.
create table account_deletions (
  user_id bigint primary key references users,
  erase boolean not null,
  asked_at bigint not null default causeway_now(),
  at_room bigint not null default 0,
  at_seq bigint not null default 0
);
