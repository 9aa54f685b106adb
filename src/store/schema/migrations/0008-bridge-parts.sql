-- Reactions and files in Matrix. An event of the log may become several events there: they are the parts of one seq, are
-- written into the outbox together and sent in their order. file is the attachment that an event carries.
alter table bridge_outbox add column part smallint not null default 0, add column file text;
alter table bridge_outbox drop constraint bridge_outbox_pkey;
alter table bridge_outbox add primary key (conversation_id, seq, part);

-- Of a reaction, target is the message and shown its key. One that came from Matrix ('matrix_reaction') has its message's
-- seq, and there may be many; of one sender with one key there is one at a time.
alter table bridge_events add column file text;
drop index bridge_events_seq;
create unique index bridge_events_seq on bridge_events (conversation_id, seq, op)
  where op not in ('matrix_edit', 'matrix_reaction');
create unique index bridge_events_reaction on bridge_events (conversation_id, target, sender, shown)
  where op in ('reaction', 'matrix_reaction') and not redacted;
