-- The runs of three characters in a user's handle and name, some of them several times, by which people are found by any part
-- of these. Index and query call it alike. It calls nothing of this schema: an index is also built where the schema is in
-- no search path.
create or replace function causeway_name_grams(p_handle text, p_name text) returns text[]
language plpgsql immutable parallel safe cost 1000
as $$
declare
  characters text[];
  grams text[] := '{}';
  name text;
begin
  foreach name in array array[p_handle, lower(p_name)] loop
    characters := string_to_array(name, null);
    for i in 3 .. cardinality(characters) loop
      grams := grams || (characters[i - 2] || characters[i - 1] || characters[i]);
    end loop;
  end loop;
  return grams;
end $$;

create index if not exists users_names on users using gin (causeway_name_grams(handle_key, display_name) collate "C")
  where deleted_at is null;
