-- The terms of the stretches of time that a message lies in; see causeway_search.sql. They are not negative, as all other
-- terms are: three bits say how long the stretch is, 28 bits which one it is.
create or replace function causeway_stretches(p_at bigint) returns integer[]
language sql immutable
as $$
  select array[
    ((p_at >> 12) & 268435455) << 3, ((p_at >> 16) & 268435455) << 3 | 1, ((p_at >> 20) & 268435455) << 3 | 2,
    ((p_at >> 24) & 268435455) << 3 | 3, ((p_at >> 28) & 268435455) << 3 | 4, ((p_at >> 32) & 268435455) << 3 | 5
  ]::integer[]
$$;
