-- The epoch as it holds now. It is made anew where the database lies elsewhere than when the epoch was noted, and where
-- the history under the epoch p_lost lost its end. p_more is what the caller knows of the place.
create or replace function causeway_history(p_more text, p_lost text) returns table (epoch text, renewed text)
language plpgsql volatile
as $$
declare
  v_place text := concat_ws('/', causeway_place(), p_more);
  v_known text := (select value from causeway_meta where key = 'place');
  v_epoch text := (select value from causeway_meta where key = 'epoch');
begin
  if v_known = v_place and v_epoch is distinct from p_lost then
    return query select v_epoch, null::text;
    return;
  end if;
  -- Whoever comes second sees what the first one wrote.
  perform pg_advisory_xact_lock(4207849264);
  v_known := (select value from causeway_meta where key = 'place');
  v_epoch := (select value from causeway_meta where key = 'epoch');
  insert into causeway_meta (key, value) values ('place', v_place) on conflict (key) do update set value = v_place;
  if (v_known is null or v_known = v_place) and v_epoch is distinct from p_lost then
    return query select v_epoch, null::text;
    return;
  end if;
  perform causeway_leave_out_ids();
  update causeway_meta set value = gen_random_uuid()::text where key = 'epoch' returning value into v_epoch;
  return query select v_epoch, case when v_known <> v_place then 'place' else 'lost' end;
end $$;
