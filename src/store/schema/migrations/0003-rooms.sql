-- Rooms and their people beyond talking: one room for each pair of users, settings that other APIs know, what members set
-- for themselves, and cursors that outlive their room.

-- Keys are derived from it (the sessions of guests, for one): the same in every process, and after every restart.
insert into causeway_meta (key, value)
values ('secret', replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));

alter table conversations
  add column avatar_url text,
  add column pair text collate "C",
  add column message_timer bigint,
  add column receipt_mode integer,
  add column access text[] not null default '{invite}',
  add column access_role text not null default 'activated';

-- The two users of a one-to-one room, also after one of them left it. Of several rooms of a pair the oldest is theirs.
update conversations c set pair = p.pair
from (
  select distinct on (m.pair) m.pair, m.conversation_id
  from (
    select conversation_id, string_agg(member, ' ' order by member) as pair
    from memberships group by conversation_id having count(*) = 2
  ) m
  join conversations c on c.id = m.conversation_id and c.type = 'one_to_one'
  order by m.pair, m.conversation_id
) p
where c.id = p.conversation_id;

create unique index conversations_pair on conversations (pair) where pair is not null;
create index conversations_lobby on conversations (lobby_until) where lobby and lobby_until is not null;

-- The same as in conversations, where appending finds it without a look-up.
alter table room_heads add column message_timer bigint;

alter table memberships
  add column muted_status integer,
  add column muted_ref text,
  add column archived_ref text,
  add column hidden boolean not null default false,
  add column hidden_ref text,
  add column last_opened_at bigint,
  add column guest_seed text;
create index memberships_guests on memberships (conversation_id, member) where role in ('guest', 'guest_moderator');

-- Where deleted rooms stood in the lists of their members: whoever pages through a list by a room goes on from there.
create table former_rooms (
  member text collate "C" not null,
  public_id text not null,
  conversation_id bigint not null,
  last_activity bigint not null,
  deleted_at bigint not null default causeway_now(),
  primary key (member, public_id)
);
create index former_rooms_age on former_rooms (deleted_at);

-- A sender who was judged before the other left a one-to-one room is stale in any case: the other has to be brought
-- back first.
do $$
declare
  v_open constant text := 'and not c.read_only and not c.lobby';
  v_function constant text := replace(
    pg_get_functiondef('causeway_append'::regproc), v_open, v_open || ' and c.type <> ''one_to_one''');
begin
  if position('one_to_one' in v_function) = 0 then
    raise exception 'causeway_append does not say % any more', v_open;
  end if;
  execute v_function;
end $$;
