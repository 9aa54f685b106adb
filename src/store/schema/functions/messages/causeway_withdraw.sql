-- Notes that a message was deleted. The caller holds the room's lock. The function looks at few rows, however many
-- messages were deleted before.
create or replace function causeway_withdraw(p_room bigint, p_seq bigint) returns void
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
