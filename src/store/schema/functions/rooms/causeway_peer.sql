-- The number of the other user in conversations.pair; the user's own in a room with oneself; null where the other is no user.
create or replace function causeway_peer(pair text, member text) returns bigint
language sql immutable
as $$
  select case when other like 'u:%' then substr(other, 3)::bigint end
  from (select case when split_part(pair, ' ', 1) = member then split_part(pair, ' ', 2) else split_part(pair, ' ', 1) end) o (other)
$$;
