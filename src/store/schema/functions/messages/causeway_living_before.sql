-- The number of the newest message with a lower number that was not deleted; 0: there is none.
create or replace function causeway_living_before(p_room bigint, p_number bigint) returns bigint
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
