-- Files of messages from Matrix that are on their way to the chat, fetched beside the turns of their rooms. event: the Matrix
-- event as JSON. owner: the worker that fetches it; free when that worker is dead. attachment: the file, once it is kept; the
-- message waits to be told of it. tries: answers that brought no file; an outage counts as none.
create table bridge_arriving (
  event_id text collate "C" primary key,
  conversation_id bigint not null,
  sender text not null,
  event text not null,
  attachment text,
  tries integer not null default 0,
  since bigint not null default causeway_now(),
  retry_at bigint not null default 0,
  owner text
);
create index bridge_arriving_due on bridge_arriving (retry_at);
create index bridge_arriving_sender on bridge_arriving (sender);
create index bridge_arriving_room on bridge_arriving (conversation_id);
