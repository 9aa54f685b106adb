-- The time of what is written to the journal. Before the first such time the transaction takes a shared advisory lock and
-- holds it to its end. The lock's key says since when: 16 bits that mark it, 48 bits ms since 1970. Nobody waits for it.
create or replace function causeway_journal_time() returns bigint
language plpgsql volatile
as $$
begin
  if coalesce(current_setting('causeway.journal', true), '') = '' then
    perform pg_advisory_xact_lock_shared((17239::bigint << 48) | causeway_now());
    perform set_config('causeway.journal', 'held', true);
  end if;
  return causeway_now();
end $$;
