-- A text that was edited away, deleted or expired is in no table any more.

-- Where the text of an edited message stands beside the message itself: in its last message.edited. Those before it hold
-- {"seq": …, "hidden": true}, and so does the last one once the message is deleted.
create table message_edits (
  conversation_id bigint not null,
  seq bigint not null,
  edit_seq bigint not null,
  primary key (conversation_id, seq)
);

insert into message_edits (conversation_id, seq, edit_seq)
select e.conversation_id, m.seq, max(e.seq)
from events e
join events m on m.conversation_id = e.conversation_id and m.seq = (e.data::json ->> 'seq')::bigint and not m.deleted
where e.type = 'message.edited'
group by e.conversation_id, m.seq;

update events e set data = '{"seq":' || (e.data::json ->> 'seq') || ',"hidden":true}'
where e.type = 'message.edited' and not exists (
  select from message_edits d
  where d.conversation_id = e.conversation_id and d.seq = (e.data::json ->> 'seq')::bigint and d.edit_seq = e.seq);

-- Rows of deleted files stay for a while, without their names.
update attachments set filename = '' where deleted_at is not null;

-- What is told of a message or a file is looked up when it is delivered: about says what to look up, and body is null.
alter table webhook_deliveries alter column body drop not null, add column about text;
update webhook_notes
set data = json_build_object('id', data::json -> 'attachment' ->> 'id', 'place', data::json -> 'place', 'nonce', id::text)::text
where type like 'attachment.%';

-- Texts of messages and edits are looked up when they are sent to Matrix. After a refusal (rev) a file's entry holds what
-- is said in its stead.
update bridge_outbox set content = (content::jsonb - 'text')::text, shown = null
where op in ('message', 'edit') and (rev = 0 or file is null);
-- What Matrix showed of messages that are gone.
update bridge_events set shown = null where redacted and op in ('message', 'edit', 'matrix_edit');
