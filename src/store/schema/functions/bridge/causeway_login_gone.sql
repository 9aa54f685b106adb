-- Ends what was made at the homeserver with a login, however the login ended.
create or replace function causeway_login_gone() returns trigger
language plpgsql
as $$
begin
  perform causeway_demand(user_id, case device when '' then 'end_password' else 'end_device' end, device)
  from bridge_grants where login_id = old.id;
  delete from bridge_grants where login_id = old.id;
  return null;
end $$;
