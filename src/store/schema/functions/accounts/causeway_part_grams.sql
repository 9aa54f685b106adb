-- The runs of three characters in a part of a handle or name: who has the part has all of these (causeway_name_grams).
create or replace function causeway_part_grams(p_part text) returns text[]
language sql immutable parallel safe
as $$
  select array_agg(substr(p_part, at, 3)) from generate_series(1, length(p_part) - 2) at
$$;
