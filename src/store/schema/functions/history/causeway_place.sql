-- Names where this database lies: another server, another database or a table that was made again names another place.
create or replace function causeway_place() returns text
language plpgsql volatile
as $$
declare
  v_system text := '';
begin
  begin
    select system_identifier::text into v_system from pg_control_system();
  exception when others then
    null; -- A service may forbid it: then the server is not told apart, database and table still are.
  end;
  return concat_ws('/', v_system, (select oid from pg_database where datname = current_database()),
                   'causeway_meta'::regclass::oid::bigint);
end $$;
