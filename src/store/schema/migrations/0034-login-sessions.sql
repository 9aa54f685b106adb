-- A login as its user sees it in the list of their sessions, and logins that are renewed with refresh tokens.

-- seen_at: when it was last used. address: from where. device: what the client called itself.
alter table logins add column device text;
alter table logins add column address text;
alter table logins add column seen_at bigint not null default causeway_now();
update logins set seen_at = started_at;

-- Refresh tokens of a login differ in their number alone; refresh_family is the hash of what they share. refresh_number is
-- that of the one token that was not used. The token before it is taken once more for some seconds after refreshed_at, from
-- the client (a hash) that used it: the answer may have been lost.
alter table logins add column refresh_family bytea unique;
alter table logins add column refresh_number integer not null default 0;
alter table logins add column refreshed_at bigint;
alter table logins add column refreshed_by bytea;
