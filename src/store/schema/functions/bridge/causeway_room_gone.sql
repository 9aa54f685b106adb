-- Tells the bridge that a chatroom was deleted.
create or replace function causeway_room_gone() returns trigger
language plpgsql
as $$
begin
  update bridge_rooms set gone = true where conversation_id = old.conversation_id;
  return null;
end $$;
