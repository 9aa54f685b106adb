-- Messages that have all of these terms, newest first, of which the reader sees what is after a seq in each room.
--   p_terms          terms that a message must have; not empty
--   p_member         the reader, whose memberships say which rooms these are; null: the next two say it
--   p_room, p_from   the rooms, and after which seq the reader sees each
--   p_room_terms     the terms of these rooms, where it is quicker to ask the index for them
--   p_small          these rooms hold so few messages that all of them are looked at
--   p_at, p_below_room, p_below_seq   only messages below this place, in the order of time, room and seq
--   p_after          only messages after this time
--   p_limit          when so many are found, it is enough
-- Returns the messages and, when it did not come to the end, a last row without a room: everything after its time was
-- looked at.
--
-- A common word is in so many messages that sorting them takes too long, so they are taken in stretches of time, from the
-- newest down. Each message has a term for the stretch that it lies in, in each of six lengths from 4 seconds to 50 days:
-- the index intersects words and stretch. After a stretch that was quickly done the next one is longer, so a rare word
-- takes few steps; after a slow one it is shorter. Beyond the longest, all the rest is one stretch.
drop function if exists causeway_search(
  integer[], bigint[], bigint[], integer[], boolean, bigint, bigint, bigint, bigint, integer);
create or replace function causeway_search(
  p_terms integer[], p_member text, p_room bigint[], p_from bigint[], p_room_terms integer[], p_small boolean,
  p_at bigint, p_below_room bigint, p_below_seq bigint, p_after bigint, p_limit integer
) returns table (room bigint, seq bigint, at bigint)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  c_shifts constant integer[] := array[12, 16, 20, 24, 28, 32];
  c_all constant integer := 7;
  -- Messages of a stretch after which the next one is longer or shorter; so many that it is given up for a shorter one.
  c_few constant integer := 256;
  c_many constant integer := 2048;
  c_most constant integer := 8192;
  -- Below the first of these times (ms) a stretch was quickly done, above the second slowly, unless the one before took
  -- about as long: then it is not the stretch that takes the time. After the third a page ends where it is.
  c_quick_ms constant double precision := 8;
  c_slow_ms constant double precision := 30;
  c_enough_ms constant double precision := 100;
  v_level integer := case when p_small then 7 else 1 end;
  v_top bigint := p_at;
  v_bottom bigint;
  v_terms integer[];
  v_found integer := 0;
  v_looked integer;
  v_rooms bigint[];
  v_seqs bigint[];
  v_times bigint[];
  v_begun timestamptz := clock_timestamp();
  v_since timestamptz;
  v_ms double precision;
  v_last_ms double precision := 'infinity';
begin
  loop
    v_since := clock_timestamp();
    v_bottom := p_after;
    v_terms := p_terms;
    if v_level < c_all then
      v_bottom := greatest(p_after, ((v_top >> c_shifts[v_level]) << c_shifts[v_level]) - 1);
      v_terms := p_terms || (causeway_stretches(v_top))[v_level];
    end if;
    select count(*), array_agg(f.room) filter (where f.mine), array_agg(f.seq) filter (where f.mine),
           array_agg(f.at) filter (where f.mine)
    into v_looked, v_rooms, v_seqs, v_times
    from (
      select w.conversation_id as room, w.seq, w.at,
             w.seq > coalesce(w.seen_from, w.seq) and (w.at, w.conversation_id, w.seq) < (p_at, p_below_room, p_below_seq) as mine
      from (
        select w.conversation_id, w.seq, w.at, case
                 when p_member is null then r.history_from
                 else (
                   select m.history_from from memberships m
                   where m.conversation_id = w.conversation_id and m.member = p_member collate "C"
                 )
               end as seen_from
        from (
          (select * from message_words w
           where not p_small and p_room_terms is null and w.terms @> v_terms and w.at <= v_top and w.at > v_bottom
           limit c_most)
          union all
          (select * from message_words w
           where p_room_terms is not null and w.terms @> v_terms and w.terms && p_room_terms
             and w.at <= v_top and w.at > v_bottom
           limit c_most)
        ) w
        left join unnest(p_room, p_from) r (room, history_from) on r.room = w.conversation_id
        union all
        select w.conversation_id, w.seq, w.at, r.history_from from unnest(p_room, p_from) r (room, history_from)
        cross join lateral (
          select * from message_words w
          where p_small and w.conversation_id = r.room and w.seq > r.history_from and w.at <= v_top and w.at > v_bottom
          offset 0
        ) w
        where w.terms @> v_terms
      ) w
    ) f;
    v_ms := extract(epoch from clock_timestamp() - v_since) * 1000;
    if v_looked >= c_most and v_level > 1 and not p_small then
      v_level := v_level - 1;
      continue;
    end if;
    return query
    select f.* from unnest(v_rooms, v_seqs, v_times) f (room, seq, at)
    order by f.at desc, f.room desc, f.seq desc limit p_limit;
    v_found := v_found + coalesce(cardinality(v_rooms), 0);
    v_top := v_bottom;
    if v_top <= p_after or v_found >= p_limit then
      return;
    elsif clock_timestamp() - v_begun > c_enough_ms * interval '1 ms' then
      return query select null::bigint, null::bigint, v_top;
      return;
    elsif v_looked < c_few and (v_ms < c_quick_ms or v_ms < 2 * v_last_ms) then
      v_level := least(v_level + 1, c_all);
    elsif (v_looked > c_many or v_ms > c_slow_ms and v_ms > 2 * v_last_ms) and v_level > 1 then
      v_level := v_level - 1;
    end if;
    v_last_ms := v_ms;
  end loop;
end $$;
