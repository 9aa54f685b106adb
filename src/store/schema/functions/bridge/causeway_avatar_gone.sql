-- Forgets where a deleted picture is in Matrix' media repository.
create or replace function causeway_avatar_gone() returns trigger
language plpgsql
as $$
begin
  delete from bridge_state where key = 'avatar:' || old.id;
  return null;
end $$;
