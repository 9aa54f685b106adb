-- What people's files take together, for bounds on it.

-- Whose files it counts among, beside its owner's: the first organization of the owner, or, for people of Matrix, the
-- organization of the room that it came from. Null: no organization's.
alter table attachments add column organization_id bigint;
update attachments a set organization_id = o.id
from (
  select a.id as file, coalesce(
    (select min(m.organization_id) from organization_users m where m.user_id = substring(a.owner from '^u:(\d+)$')::bigint),
    case when a.owner like 'm:%' then c.organization_id end) as id
  from attachments a left join conversations c on c.id = a.conversation_id
) o
where o.file = a.id and o.id is not null;

-- The bytes of the files that are not deleted, of a member (its key) and of an organization ('o:' and its id).
create table file_usage (
  key text collate "C" primary key,
  bytes bigint not null
);
insert into file_usage (key, bytes)
select k.key, sum(a.size)
from attachments a cross join lateral (values (a.owner), ('o:' || a.organization_id)) k (key)
where a.deleted_at is null and k.key is not null
group by k.key;

-- What was given back since: deletions only append here, so that they, who hold rooms, never wait for an upload.
create table file_usage_changes (
  id bigint generated always as identity primary key,
  key text collate "C" not null,
  bytes bigint not null
);
create index file_usage_changes_key on file_usage_changes (key);

-- Locks the keys, in their order, and brings their bytes up to date. Only who holds a key's row touches its changes.
-- A file from before this migration that another process stored meanwhile was never counted, hence the bound at 0.
create function causeway_hold_file_usage(p_keys text[]) returns void
language plpgsql volatile
as $$
begin
  insert into file_usage (key, bytes) select k, 0 from unnest(p_keys) k order by k collate "C" on conflict do nothing;
  perform from file_usage u where u.key = any (p_keys) order by u.key for update;
  with given as (delete from file_usage_changes c where c.key = any (p_keys) returning c.key, c.bytes)
  update file_usage u set bytes = greatest(0, u.bytes + g.bytes)
  from (select given.key, sum(given.bytes) as bytes from given group by given.key) g
  where u.key = g.key;
end $$;

-- Adds a file that waits to be sent, unless a bound is reached.
--   p_room              the room that the file of somebody from Matrix came from; null otherwise
--   p_waiting           most files of one owner that wait to be sent
--   p_owner_bytes, p_organization_bytes    most bytes of one owner, and of one organization; 0: no bound
-- Returns 'added'; 'known' when the id was used before; 'waiting', 'owner' or 'organization' for the bound that is
-- reached, with what is used of bytes.
create function causeway_add_file(
  p_id text, p_owner text, p_filename text, p_type text, p_size bigint, p_created_at bigint, p_room bigint,
  p_waiting bigint, p_owner_bytes bigint, p_organization_bytes bigint
) returns table (status text, used bigint)
language plpgsql volatile
as $$
declare
  v_organization bigint := coalesce(
    (select min(m.organization_id) from organization_users m where m.user_id = substring(p_owner from '^u:(\d+)$')::bigint),
    (select c.organization_id from conversations c where c.id = p_room));
  v_keys text[] := array_remove(array[p_owner, 'o:' || v_organization], null);
  v_used bigint;
begin
  perform causeway_hold_file_usage(v_keys);
  if exists (select from attachments a where a.id = p_id) then
    return query select 'known', 0::bigint;
    return;
  end if;
  if (select count(*) from attachments a
      where a.owner = p_owner and a.conversation_id is null and a.deleted_at is null) >= p_waiting then
    return query select 'waiting', 0::bigint;
    return;
  end if;
  select u.bytes into v_used from file_usage u where u.key = p_owner;
  if p_owner_bytes > 0 and v_used + p_size > p_owner_bytes then
    return query select 'owner', v_used;
    return;
  end if;
  select u.bytes into v_used from file_usage u where u.key = 'o:' || v_organization;
  if p_organization_bytes > 0 and v_used + p_size > p_organization_bytes then
    return query select 'organization', v_used;
    return;
  end if;
  insert into attachments (id, owner, organization_id, filename, type, size, created_at)
  values (p_id, p_owner, v_organization, p_filename, p_type, p_size, p_created_at);
  update file_usage u set bytes = u.bytes + p_size where u.key = any (v_keys);
  return query select 'added', 0::bigint;
end $$;
