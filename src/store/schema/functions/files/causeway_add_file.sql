-- Adds a file that waits to be sent, unless a bound is reached.
--   p_room              the room of a file that came from Matrix; null otherwise
--   p_waiting           most files of one owner that wait to be sent
--   p_owner_bytes, p_organization_bytes    most bytes of one owner, and of one organization; 0: no bound
-- Returns 'added'; 'known' when the id was used before; 'waiting', 'owner' or 'organization' for the bound that is
-- reached, with the bytes that are used.
create or replace function causeway_add_file(
  p_id text, p_owner text, p_filename text, p_type text, p_size bigint, p_created_at bigint, p_room bigint,
  p_waiting bigint, p_owner_bytes bigint, p_organization_bytes bigint
) returns table (status text, used bigint)
language plpgsql volatile
as $$
declare
  v_organization bigint := causeway_file_organization(p_owner, p_room);
  v_keys text[] := array_remove(array[p_owner, 'o:' || v_organization], null);
begin
  perform causeway_hold_file_usage(v_keys);
  if exists (select from attachments a where a.id = p_id) then
    return query select 'known', 0::bigint;
    return;
  end if;
  return query select b.status, b.used
  from causeway_file_bound(p_owner, v_organization, p_size, p_waiting, p_owner_bytes, p_organization_bytes) b;
  if found then
    return;
  end if;
  insert into attachments (id, owner, organization_id, filename, type, size, created_at)
  values (p_id, p_owner, v_organization, p_filename, p_type, p_size, p_created_at);
  update file_usage u set bytes = u.bytes + p_size where u.key = any (v_keys);
  return query select 'added', 0::bigint;
end $$;
