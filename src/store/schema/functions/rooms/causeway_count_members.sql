-- Counts the members of a room where lists of rooms find the number. Triggers do it, so that no way into a room or out of
-- it is forgotten. Whoever changes memberships holds the room's lock, which is the row that is changed here.
create or replace function causeway_count_members() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'INSERT' then
    update room_heads h set members = h.members + n.count
    from (select conversation_id, count(*) as count from come group by conversation_id) n
    where h.conversation_id = n.conversation_id;
  else
    update room_heads h set members = h.members - n.count
    from (select conversation_id, count(*) as count from gone group by conversation_id) n
    where h.conversation_id = n.conversation_id;
  end if;
  return null;
end $$;

-- In the order in which writers take them: rooms first. Nobody joins or leaves between the counting and the triggers.
lock table room_heads in exclusive mode;
lock table memberships in share row exclusive mode;
create or replace trigger memberships_come after insert on memberships
  referencing new table as come for each statement execute function causeway_count_members();
create or replace trigger memberships_counted after delete on memberships
  referencing old table as gone for each statement execute function causeway_count_members();

update room_heads h set members = n.count
from (select conversation_id, count(*) as count from memberships group by conversation_id) n
where h.conversation_id = n.conversation_id and h.members <> n.count;
