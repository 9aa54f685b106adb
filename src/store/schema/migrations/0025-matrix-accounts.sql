-- What has to be carried out for people's accounts at the homeserver, however long it is away, and what was made there
-- with which credential.

-- device is empty unless the kind is 'end_device'. asked grows when the same is demanded again: who carried out the
-- demand before has not carried out this one. leased_until: a process is at it.
create table bridge_account_tasks (
  id bigint generated always as identity primary key,
  user_id bigint not null,
  kind text not null check (kind in ('deactivate', 'end_sessions', 'end_device', 'end_password')),
  device text not null default '',
  asked integer not null default 1,
  failures integer not null default 0,
  retry_at bigint not null default 0,
  leased_until bigint not null default 0,
  unique (user_id, kind, device)
);
create index bridge_account_tasks_due on bridge_account_tasks (retry_at);

-- The device on which somebody was signed in, or (empty) the password that was set, and with which credential.
create table bridge_grants (
  user_id bigint not null,
  device text not null,
  token_id bigint,
  login_id bigint,
  made_at bigint not null default causeway_now()
);
create unique index bridge_grants_key on bridge_grants (user_id, device, coalesce(token_id, 0), coalesce(login_id, 0));
create index bridge_grants_token on bridge_grants (token_id) where token_id is not null;
create index bridge_grants_login on bridge_grants (login_id) where login_id is not null;

create function causeway_demand(p_user_id bigint, p_kind text, p_device text) returns void
language sql
as $$
  insert into bridge_account_tasks (user_id, kind, device) values (p_user_id, p_kind, p_device)
  on conflict (user_id, kind, device) do update
  set asked = bridge_account_tasks.asked + 1, failures = 0, retry_at = 0;
$$;

-- What was made with a credential ends with it, whatever ends it.
create function causeway_token_gone() returns trigger
language plpgsql
as $$
begin
  perform causeway_demand(user_id, case device when '' then 'end_password' else 'end_device' end, device)
  from bridge_grants where token_id = old.id;
  delete from bridge_grants where token_id = old.id;
  return null;
end $$;
create trigger tokens_gone after delete on tokens for each row execute function causeway_token_gone();

create function causeway_login_gone() returns trigger
language plpgsql
as $$
begin
  perform causeway_demand(user_id, case device when '' then 'end_password' else 'end_device' end, device)
  from bridge_grants where login_id = old.id;
  delete from bridge_grants where login_id = old.id;
  return null;
end $$;
create trigger logins_gone after delete on logins for each row execute function causeway_login_gone();

-- A deleted user's account is shut down, which ends everything in it.
create function causeway_user_deleted() returns trigger
language plpgsql
as $$
declare
  has_account boolean := exists (select from bridge_ghosts where member = 'u:' || new.id)
    or exists (select from bridge_grants where user_id = new.id);
begin
  delete from bridge_grants where user_id = new.id;
  delete from bridge_account_tasks where user_id = new.id;
  update bridge_ghosts set changed = false where member = 'u:' || new.id and changed;
  if has_account then perform causeway_demand(new.id, 'deactivate', ''); end if;
  return null;
end $$;
create trigger users_deleted after update of deleted_at on users for each row
  when (old.deleted_at is null and new.deleted_at is not null)
  execute function causeway_user_deleted();

-- bridge_ghosts.changed tells of names alone from now on.
drop trigger users_ghost on users;
create trigger users_ghost after update of display_name on users for each row
  when (old.display_name <> new.display_name)
  execute function causeway_ghost_changed();
select causeway_demand(u.id, 'deactivate', '')
from bridge_ghosts g join users u on g.member = 'u:' || u.id where g.changed and u.deleted_at is not null;
update bridge_ghosts g set changed = false
from users u where g.changed and g.member = 'u:' || u.id and u.deleted_at is not null;
