-- Lets all ids begin anew behind those that a lost history may have given out. A history's ids begin at the milliseconds
-- since 2026 at which it began. No history gives out more than one id in a millisecond, in the long run, so the ids of
-- two histories never meet, however often the same backup is restored. Only rooms go on sparingly: Talk's ids of messages
-- have room for 2^25 of them. A new history leaves out between one and two 2000ths of what is left, at random: 16,777 to
-- 33,554 at first.
create or replace function causeway_leave_out_ids() returns void
language plpgsql volatile
as $$
declare
  v_now bigint := extract(epoch from clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') * 1000;
  v_column record;
  v_sequence regclass;
  v_next bigint;
begin
  for v_column in
    select table_schema, table_name, column_name from information_schema.columns
    where table_schema = current_schema() and is_identity = 'YES'
  loop
    v_sequence := pg_get_serial_sequence(format('%I.%I', v_column.table_schema, v_column.table_name), v_column.column_name);
    v_next := nextval(v_sequence);
    if v_column.table_name = 'conversations' then
      v_next := v_next + greatest(1000, ((1 + random()) * ((1 << 25) - v_next) / 2000)::bigint);
    end if;
    perform setval(v_sequence, case v_column.table_name when 'conversations' then v_next else greatest(v_next, v_now) end);
  end loop;
end $$;
