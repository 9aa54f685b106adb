-- How far a member's clients have the log, and since when the two markers stand where they are, ms. 0: not known; who read
-- a message has it.
alter table memberships
  add column delivered_seq bigint not null default 0,
  add column delivered_at bigint not null default 0,
  add column read_at bigint not null default 0;
