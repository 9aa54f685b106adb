-- Adds files that wait to be sent, over the bytes of the files of a message, unless a bound is reached or one is gone.
--   p_ids, p_sources    run in parallel: the id of the new file, and the file of the message whose bytes it has
--   p_room, p_seq       the message that all sources belong to
--   p_owner_bytes, p_organization_bytes    as in causeway_add_file. Shared bytes count for every owner as their own
-- Returns 'added'; 'gone' when a source was deleted; 'owner' or 'organization' for the bound that is reached, with the
-- bytes that are used.
--
-- The lock on the sources is why bytes never get a new owner after their last one was deleted. A deletion waits for the
-- lock, so whoever sees the deletion sees the new file, too. Once no living file has the bytes, none ever will.
create or replace function causeway_share_files(
  p_ids text[], p_sources text[], p_room bigint, p_seq bigint, p_owner text, p_created_at bigint,
  p_owner_bytes bigint, p_organization_bytes bigint
) returns table (status text, used bigint)
language plpgsql volatile
as $$
declare
  v_organization bigint := causeway_file_organization(p_owner, null);
  v_keys text[] := array_remove(array[p_owner, 'o:' || v_organization], null);
  v_found bigint;
  v_size bigint;
begin
  perform causeway_hold_file_usage(v_keys);
  select count(*), sum(s.size) into v_found, v_size from (
    select a.size from attachments a
    where a.id = any (p_sources) and a.conversation_id = p_room and a.seq = p_seq and a.deleted_at is null
    order by a.id for share
  ) s;
  if v_found < cardinality(p_sources) then
    return query select 'gone', 0::bigint;
    return;
  end if;
  return query select b.status, b.used
  from causeway_file_bound(p_owner, v_organization, v_size, null, p_owner_bytes, p_organization_bytes) b;
  if found then
    return;
  end if;
  insert into attachments (id, owner, organization_id, filename, type, size, created_at, content)
  select n.id, p_owner, v_organization, a.filename, a.type, a.size, p_created_at, coalesce(a.content, a.id)
  from unnest(p_ids, p_sources) as n (id, source) join attachments a on a.id = n.source;
  update file_usage u set bytes = u.bytes + v_size where u.key = any (v_keys);
  return query select 'added', 0::bigint;
end $$;
