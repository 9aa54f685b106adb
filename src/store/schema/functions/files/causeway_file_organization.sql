-- The organization that a file counts for: the owner's first, or that of the room (null: none) that it came from.
create or replace function causeway_file_organization(p_owner text, p_room bigint) returns bigint
language sql stable
as $$
  select coalesce(
    (select min(m.organization_id) from organization_users m where m.user_id = substring(p_owner from '^u:(\d+)$')::bigint),
    (select c.organization_id from conversations c where c.id = p_room))
$$;
