-- Shuts a deleted user's account at the homeserver down, which ends everything in it.
create or replace function causeway_user_deleted() returns trigger
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
