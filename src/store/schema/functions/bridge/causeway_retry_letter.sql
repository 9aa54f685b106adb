-- Tries a dead letter of the bridge again, in one transaction: an entry goes back to the outbox, an event from Matrix back to
-- the inbox, and a change is repeated by the room's next turn. What stands in the place of the event is its no more.
create or replace function causeway_retry_letter(p_id bigint) returns bigint
language plpgsql
as $$
declare
  letter bridge_dead_letters;
  entry jsonb;
begin
  select * into letter from bridge_dead_letters where id = p_id for update;
  if letter.id is null then return null; end if;
  if letter.kind = 'change' then
    update bridge_dead_letters set retried = true where id = p_id;
    update bridge_rooms set retry_at = 0 where conversation_id = letter.conversation_id;
    return p_id;
  end if;
  if letter.direction = 'to_matrix' then
    entry := letter.content::jsonb;
    with stood_in as (
      delete from bridge_events
      where conversation_id = letter.conversation_id and seq = letter.seq and op = letter.kind returning event_id
    )
    insert into bridge_inbox (event_id, conversation_id, done_at)
    select event_id, letter.conversation_id, causeway_now() from stood_in on conflict do nothing;
    insert into bridge_outbox (conversation_id, seq, part, op, rev, sender, sender_name, content, target, shown, file, at, late)
    values (letter.conversation_id, letter.seq, letter.part, letter.kind, (entry ->> 'rev')::integer, entry ->> 'sender',
            entry ->> 'senderName', entry ->> 'content', (entry ->> 'target')::bigint, entry ->> 'shown', entry ->> 'file',
            (entry ->> 'at')::bigint, true)
    on conflict do nothing;
    update bridge_rooms set retry_at = 0 where conversation_id = letter.conversation_id;
  else
    delete from bridge_events where event_id = letter.event_id;
    insert into bridge_inbox (event_id, conversation_id, event)
    values (letter.event_id, letter.conversation_id, letter.content)
    on conflict (event_id) do update set event = excluded.event, done_at = null, failures = 0;
  end if;
  delete from bridge_dead_letters where id = p_id;
  return p_id;
end $$;
