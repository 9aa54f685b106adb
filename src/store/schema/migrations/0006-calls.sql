-- Who is in a running call is read off the log, from its call.started on. Messages are no part of this index: sending
-- does not touch it, however long a call runs.
create index events_calls on events (conversation_id, seq)
  where type in ('call.started', 'call.joined', 'call.left');
