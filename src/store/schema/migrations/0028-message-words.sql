-- The words of messages, for search. The program takes texts apart (src/domain/words.ts): what the database would make of
-- them depends on its locale.

-- What a message is found by: hashes of its words, of its author and of what it holds, its room, and the stretches of time
-- that it lies in (causeway_stretches). No text: what a hash points to is compared with the message as it is now.
create table message_words (
  conversation_id bigint not null,
  seq bigint not null,
  at bigint not null,
  terms integer[] not null,
  primary key (conversation_id, seq)
);
-- New entries wait in a list that every search reads: a short one.
create index message_words_terms on message_words using gin (terms) with (gin_pending_list_limit = 256);

-- Up to which event of a room's log its messages have their words. Rooms without a row have none.
create table word_heads (
  conversation_id bigint primary key,
  seq bigint not null
) with (fillfactor = 50);
