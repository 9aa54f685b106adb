-- Adds an upload, unless a bound is reached. Its bytes count from now on, so a part never finds a bound reached.
--   p_sha256            the hash that its bytes must have; null: any
--   p_waiting, p_owner_bytes, p_organization_bytes    as in causeway_add_file
-- Returns 'added'; 'waiting', 'owner' or 'organization' for the bound that is reached, with the bytes that are used.
create or replace function causeway_begin_upload(
  p_id text, p_owner text, p_filename text, p_type text, p_size bigint, p_sha256 text, p_created_at bigint,
  p_expires_at bigint, p_waiting bigint, p_owner_bytes bigint, p_organization_bytes bigint
) returns table (status text, used bigint)
language plpgsql volatile
as $$
declare
  v_organization bigint := causeway_file_organization(p_owner, null);
  v_keys text[] := array_remove(array[p_owner, 'o:' || v_organization], null);
begin
  perform causeway_hold_file_usage(v_keys);
  return query select b.status, b.used
  from causeway_file_bound(p_owner, v_organization, p_size, p_waiting, p_owner_bytes, p_organization_bytes) b;
  if found then
    return;
  end if;
  insert into uploads (id, owner, organization_id, filename, type, size, sha256, created_at, expires_at)
  values (p_id, p_owner, v_organization, p_filename, p_type, p_size, p_sha256, p_created_at, p_expires_at);
  update file_usage u set bytes = u.bytes + p_size where u.key = any (v_keys);
  return query select 'added', 0::bigint;
end $$;
