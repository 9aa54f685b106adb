-- Tries a dead letter of the bridge again, in one transaction: an entry goes back to the outbox, an event from Matrix back to
-- the inbox, and a change is repeated by the room's next turn. What stands in the place of the event is its no more, and goes once
-- the retry has succeeded.
create or replace function causeway_retry_letter(p_id bigint) returns bigint
language plpgsql
as $$
declare
  letter bridge_dead_letters;
  entry jsonb;
  line text;
  line_seq bigint;
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
    delete from bridge_events
    where conversation_id = letter.conversation_id and seq = letter.seq and op = letter.kind returning event_id into line;
    insert into bridge_inbox (event_id, conversation_id, done_at)
    select line, letter.conversation_id, causeway_now() where line is not null
    -- It may just have come back: it must not count as the entry that is sent now.
    on conflict (event_id) do update set done_at = causeway_now(), event = null, waits_for = null;
    insert into bridge_outbox (conversation_id, seq, part, op, rev, sender, sender_name, content, target, shown, file, at, late, stand_in)
    values (letter.conversation_id, letter.seq, letter.part, letter.kind, (entry ->> 'rev')::integer, entry ->> 'sender',
            entry ->> 'senderName', entry ->> 'content', (entry ->> 'target')::bigint, entry ->> 'shown', entry ->> 'file',
            (entry ->> 'at')::bigint, true, line)
    on conflict do nothing;
    update bridge_rooms set retry_at = 0 where conversation_id = letter.conversation_id;
  else
    delete from bridge_events where event_id = letter.event_id returning seq into line_seq;
    insert into bridge_inbox (event_id, conversation_id, event, retried, stand_in)
    values (letter.event_id, letter.conversation_id, letter.content, true, line_seq)
    on conflict (event_id) do update
    set event = excluded.event, done_at = null, failures = 0, retried = true, stand_in = excluded.stand_in;
  end if;
  delete from bridge_dead_letters where id = p_id;
  return p_id;
end $$;
