-- Notes a task for a person's account at the homeserver. A task that is there already is asked for once more, so that the
-- process that works on it does not take the new demand for done.
create or replace function causeway_demand(p_user_id bigint, p_kind text, p_device text) returns void
language sql
as $$
  insert into bridge_account_tasks (user_id, kind, device) values (p_user_id, p_kind, p_device)
  on conflict (user_id, kind, device) do update
  set asked = bridge_account_tasks.asked + 1, failures = 0, retry_at = 0;
$$;
