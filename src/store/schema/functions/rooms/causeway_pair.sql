-- The pair of two users, as conversations.pair holds it.
create or replace function causeway_pair(a bigint, b bigint) returns text
language sql immutable
as $$
  select least(('u:' || a) collate "C", ('u:' || b) collate "C") || ' ' || greatest(('u:' || a) collate "C", ('u:' || b) collate "C")
$$;
