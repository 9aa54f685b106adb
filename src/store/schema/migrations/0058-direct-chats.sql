-- One-to-one rooms become direct chats in Matrix: without name and alias, and listed as such. Where somebody has signed in to Matrix the
-- bridge does that at once; elsewhere when somebody does.
update bridge_rooms b set unsettled = b.unsettled + 1
from conversations c
where c.id = b.conversation_id and c.type = 'one_to_one' and exists (
  select from memberships m join bridge_ghosts g on g.member = m.member and g.active
  where m.conversation_id = b.conversation_id);
