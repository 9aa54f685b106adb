-- Notes users who are no longer in a room, or whose room is gone. A trigger does it, so that no way out of a room is
-- forgotten. A room's log ends with room.deleted before its members go; members who leave a room that stays are followed
-- by one member.left each. Members hear of what happened since they joined, also where they may look further back.
create or replace function causeway_departed() returns trigger
language plpgsql
as $$
begin
  insert into departures (conversation_id, member, uuid, history_from, last_seq, at, deleted, actor, actor_name)
  select g.conversation_id, g.member, c.uuid, greatest(g.history_from, g.joined_seq - 1),
         h.head_seq + case when e.seq is null then count(*) over (partition by g.conversation_id) else 0 end,
         coalesce(e.at, greatest(h.last_activity, causeway_now())), e.seq is not null, e.actor, e.actor_name
  from gone g
  join conversations c on c.id = g.conversation_id
  join room_heads h on h.conversation_id = g.conversation_id
  left join events e on e.conversation_id = g.conversation_id and e.seq = h.head_seq and e.type = 'room.deleted'
  where g.user_id is not null
  on conflict do nothing;
  return null;
end $$;
