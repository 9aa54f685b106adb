-- The seq of the message with this number: the first event that has it. It is before p_below; numbers never fall.
create or replace function causeway_message_seq(p_room bigint, p_number bigint, p_below bigint) returns bigint
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
