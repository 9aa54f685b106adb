-- A member hides a message for themselves. The numbers of what one member hides grow in the order of the commits, because
-- the row of hidden_counts is locked: whoever knows the number of the last one knows of all before it. The user's row is held
-- before the membership, as who deletes a user does: what a user hides is stored before the deletion, which removes it, or not.
--   p_most_in_room, p_most   how many a member may hide in one room, and in all
-- Returns 'hidden' and the number; or 'already', 'too_many', or 'not_found' where there is no such membership or user.
create or replace function causeway_hide(
  p_room bigint, p_member text, p_seq bigint, p_most_in_room integer, p_most integer
) returns table (status text, no bigint)
language plpgsql volatile
as $$
#variable_conflict use_column
declare
  v_no bigint;
begin
  if p_member like 'u:%' then
    perform from users where id = substr(p_member, 3)::bigint and deleted_at is null for share;
    if not found then
      return query select 'not_found', 0::bigint;
      return;
    end if;
  end if;
  perform from memberships where conversation_id = p_room and member = p_member for no key update;
  if not found then
    return query select 'not_found', 0::bigint;
    return;
  end if;
  if exists (select from hidden_messages where conversation_id = p_room and member = p_member and seq = p_seq) then
    return query select 'already', 0::bigint;
    return;
  end if;
  insert into hidden_counts as c (member, no) values (p_member, 1)
  on conflict (member) do update set no = c.no + 1 returning c.no into v_no;
  if (select count(*) from hidden_messages where conversation_id = p_room and member = p_member) >= p_most_in_room
    or (select count(*) from hidden_messages where member = p_member) >= p_most then
    update hidden_counts c set no = c.no - 1 where c.member = p_member;
    return query select 'too_many', 0::bigint;
    return;
  end if;
  insert into hidden_messages (conversation_id, member, seq, no) values (p_room, p_member, p_seq, v_no);
  update memberships m set hidden_no = v_no, entry_rev = greatest(m.entry_rev + 1, causeway_now())
  where m.conversation_id = p_room and m.member = p_member;
  return query select 'hidden', v_no;
end $$;
