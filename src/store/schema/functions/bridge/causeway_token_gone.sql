-- Ends what was made at the homeserver with a token, however the token ended.
create or replace function causeway_token_gone() returns trigger
language plpgsql
as $$
begin
  perform causeway_demand(user_id, case device when '' then 'end_password' else 'end_device' end, device)
  from bridge_grants where token_id = old.id;
  delete from bridge_grants where token_id = old.id;
  return null;
end $$;
