-- The seq of the last message after p_from and up to p_seq that was not deleted and that the member has not hidden; 0: none.
create or replace function causeway_last_shown(p_room bigint, p_member text, p_seq bigint, p_from bigint) returns bigint
language sql stable
as $$
  select coalesce((
    select e.seq from events e
    where e.conversation_id = p_room and e.seq <= p_seq and e.seq > p_from and e.type = 'message' and not e.deleted
      and not exists (
        select from hidden_messages x
        where x.conversation_id = p_room and x.member = p_member collate "C" and x.seq = e.seq)
    order by e.seq desc limit 1), 0)
$$;
