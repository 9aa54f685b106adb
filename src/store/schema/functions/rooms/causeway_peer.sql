-- The number of the other user in conversations.pair; the user's own in a room with oneself; null where the other is no user.
-- One expression without FROM: PostgreSQL puts it into the statement in place of the call, which lists of rooms make for each room.
create or replace function causeway_peer(pair text, member text) returns bigint
language sql immutable
as $$
  select case when split_part(pair, ' ', 1 + (split_part(pair, ' ', 1) = member)::integer) like 'u:%'
    then substr(split_part(pair, ' ', 1 + (split_part(pair, ' ', 1) = member)::integer), 3)::bigint end
$$;
