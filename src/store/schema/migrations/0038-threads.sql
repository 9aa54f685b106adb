-- The living answers of threads, by the seq of the message that each thread begins with.
create table thread_answers (
  conversation_id bigint not null,
  root bigint not null,
  seq bigint not null,
  author text collate "C" not null,
  primary key (conversation_id, root, seq)
);

-- How many answers a thread has, and its last one. A thread without answers has no row.
create table threads (
  conversation_id bigint not null,
  root bigint not null,
  answers bigint not null,
  last_seq bigint not null,
  last_at bigint not null,
  primary key (conversation_id, root)
) with (fillfactor = 80);

-- How far a member has read in a thread, where that is further than in the room.
create table thread_reads (
  conversation_id bigint not null,
  member text collate "C" not null,
  root bigint not null,
  read_seq bigint not null,
  primary key (conversation_id, member, root)
) with (fillfactor = 80);
