-- Tells the bridge that a user has another name.
create or replace function causeway_ghost_changed() returns trigger
language plpgsql
as $$
begin
  update bridge_ghosts set changed = true where member = 'u:' || new.id;
  return null;
end $$;
