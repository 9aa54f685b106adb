-- Locks the keys, in their order, and brings their bytes up to date. Only a transaction that holds a key's row touches
-- the key's changes. Files that an old process stored while migration 0015 ran were never counted, hence the bound at 0.
create or replace function causeway_hold_file_usage(p_keys text[]) returns void
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
