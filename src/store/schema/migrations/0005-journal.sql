-- What happens to a member's rooms and the people in them, in the order of time: readers who were away walk through it.

-- Messages are no part of it. Within a room time never goes back, so this is the log's order too.
create index events_journal on events (conversation_id, at, seq)
  where type in ('member.joined', 'member.left', 'member.changed', 'room.changed', 'room.deleted');

-- Users who are no longer in a room, or whose room is gone: up to where in its log they may look, and, as the logs of
-- deleted rooms are removed, who deleted it. The UUID outlives the room here.
create table departures (
  conversation_id bigint not null,
  member text collate "C" not null,
  uuid uuid not null,
  history_from bigint not null,
  last_seq bigint not null,
  at bigint not null,
  deleted boolean not null,
  actor text collate "C",
  actor_name text,
  primary key (conversation_id, member, last_seq)
);
create index departures_member on departures (member, at);
create index departures_age on departures (at);

-- A trigger, so that no way out of a room is forgotten. A room's log ends with room.deleted before its members go;
-- whoever leaves alone is followed by one member.left for each.
create function causeway_departed() returns trigger
language plpgsql
as $$
begin
  insert into departures (conversation_id, member, uuid, history_from, last_seq, at, deleted, actor, actor_name)
  select g.conversation_id, g.member, c.uuid, g.history_from,
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

create trigger memberships_departed after delete on memberships
  referencing old table as gone for each statement execute function causeway_departed();
