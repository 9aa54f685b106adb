-- How many messages after a seq a member has hidden that were not deleted.
create or replace function causeway_hidden_after(p_room bigint, p_member text, p_seq bigint) returns bigint
language sql stable
as $$
  select count(*) from hidden_messages x
  join events e on e.conversation_id = x.conversation_id and e.seq = x.seq and not e.deleted
  where x.conversation_id = p_room and x.member = p_member collate "C" and x.seq > p_seq
$$;
