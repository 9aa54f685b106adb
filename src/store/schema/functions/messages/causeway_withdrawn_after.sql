-- How many messages with a higher number were deleted.
create or replace function causeway_withdrawn_after(p_room bigint, p_number bigint) returns bigint
language sql stable
as $$
  select coalesce(sum(case when block = p_number >> 10 then bit_count(bits << (p_number & 1023)::int) else n end), 0)::bigint
  from withdrawn_messages where conversation_id = p_room and block >= p_number >> 10
$$;
