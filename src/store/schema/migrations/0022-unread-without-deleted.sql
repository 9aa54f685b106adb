-- Deleted messages are not unread, and are no room's last message.

-- Which messages of a room were deleted, by their running number (events.message_no): a bit each, the leftmost for the
-- first, in blocks of 1,024, with how many there are in the block.
create table withdrawn_messages (
  conversation_id bigint not null,
  block bigint not null,
  bits bit(1024) not null,
  n integer not null,
  primary key (conversation_id, block)
) with (fillfactor = 50);

-- withdrawn_no is the number of the newest deleted message: whoever read further need not look for any.
-- last_message_seq is the newest message that was not deleted; 0: there is none.
alter table room_heads add column withdrawn_no bigint not null default 0;

insert into withdrawn_messages (conversation_id, block, bits, n)
select conversation_id, (message_no - 1) >> 10, bit_or(set_bit(0::bit(1024), ((message_no - 1) & 1023)::int, 1)), count(*)
from events where type = 'message' and deleted group by 1, 2;

update room_heads h
set withdrawn_no = d.last_no,
    last_message_seq = coalesce((
      select e.seq from events e
      where e.conversation_id = h.conversation_id and e.type = 'message' and not e.deleted order by e.seq desc limit 1), 0)
from (select conversation_id, max(message_no) as last_no from events where type = 'message' and deleted group by 1) d
where d.conversation_id = h.conversation_id;

-- How many messages with a higher number were deleted.
create function causeway_withdrawn_after(p_room bigint, p_number bigint) returns bigint
language sql stable
as $$
  select coalesce(sum(case when block = p_number >> 10 then bit_count(bits << (p_number & 1023)::int) else n end), 0)::bigint
  from withdrawn_messages where conversation_id = p_room and block >= p_number >> 10
$$;

-- The number of the newest message with a lower number that was not deleted; 0: there is none.
create function causeway_living_before(p_room bigint, p_number bigint) returns bigint
language plpgsql stable
as $$
declare
  v_at bigint := p_number - 2;
  v_bits bit(1024);
  v_back int;
begin
  while v_at >= 0 loop
    select bits into v_bits from withdrawn_messages where conversation_id = p_room and block = v_at >> 10;
    if not found then
      return v_at + 1;
    end if;
    v_back := strpos(reverse(left(v_bits::text, (v_at & 1023)::int + 1)), '0');
    if v_back > 0 then
      return v_at + 2 - v_back;
    end if;
    v_at := (v_at >> 10 << 10) - 1;
  end loop;
  return 0;
end $$;

-- The seq of the message with this number: the first event that has it. It is before p_below; numbers never fall.
create function causeway_message_seq(p_room bigint, p_number bigint, p_below bigint) returns bigint
language plpgsql stable
as $$
declare
  v_low bigint := 0;
  v_high bigint := p_below - 1;
  v_middle bigint;
begin
  while v_high - v_low > 1 loop
    v_middle := (v_low + v_high) / 2;
    if (select message_no from events where conversation_id = p_room and seq = v_middle) >= p_number then
      v_high := v_middle;
    else
      v_low := v_middle;
    end if;
  end loop;
  return v_high;
end $$;

-- A message was deleted. The caller holds the room. However many messages were deleted before, it looks at few rows.
create function causeway_withdraw(p_room bigint, p_seq bigint) returns void
language plpgsql volatile
as $$
declare
  v_number bigint := (select message_no from events where conversation_id = p_room and seq = p_seq);
  v_living bigint;
begin
  insert into withdrawn_messages as w (conversation_id, block, bits, n)
  values (p_room, (v_number - 1) >> 10, set_bit(0::bit(1024), ((v_number - 1) & 1023)::int, 1), 1)
  on conflict (conversation_id, block) do update
  set bits = w.bits | excluded.bits, n = bit_count(w.bits | excluded.bits);
  update room_heads set withdrawn_no = v_number where conversation_id = p_room and withdrawn_no < v_number;
  if exists (select from room_heads where conversation_id = p_room and last_message_seq = p_seq) then
    v_living := causeway_living_before(p_room, v_number);
    update room_heads
    set last_message_seq = case v_living when 0 then 0 else causeway_message_seq(p_room, v_living, p_seq) end
    where conversation_id = p_room;
  end if;
end $$;
