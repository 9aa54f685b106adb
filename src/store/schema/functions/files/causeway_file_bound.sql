-- Which bound does not let a file of p_size bytes in, with the bytes that are used of it (0 for 'waiting', which counts
-- files and uploads under way). No row: there is room. The caller holds the keys of p_owner and p_organization.
--   p_waiting           null: no bound on files that wait
create or replace function causeway_file_bound(
  p_owner text, p_organization bigint, p_size bigint, p_waiting bigint, p_owner_bytes bigint, p_organization_bytes bigint
) returns table (status text, used bigint)
language plpgsql stable
as $$
declare
  v_used bigint;
begin
  if (select count(*) from attachments a
      where a.owner = p_owner and a.conversation_id is null and a.deleted_at is null)
    + (select count(*) from uploads u where u.owner = p_owner) >= p_waiting then
    return query select 'waiting', 0::bigint;
    return;
  end if;
  select u.bytes into v_used from file_usage u where u.key = p_owner;
  if p_owner_bytes > 0 and v_used + p_size > p_owner_bytes then
    return query select 'owner', v_used;
    return;
  end if;
  select u.bytes into v_used from file_usage u where u.key = 'o:' || p_organization;
  if p_organization_bytes > 0 and v_used + p_size > p_organization_bytes then
    return query select 'organization', v_used;
  end if;
end $$;
