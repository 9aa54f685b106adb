-- Whoever has a picture's id may see it, so an id is unguessable and names one room's picture, and the row goes with it.

alter table avatars add column conversation_id bigint references conversations on delete cascade;

-- URLs of these pictures that clients have sent back as if they were another's.
update conversations c set avatar_url = null from avatars a
where c.avatar_url ~ '/avatars/[0-9a-f]{64}$' and a.id = right(c.avatar_url, 64);
update contacts c set avatar_url = null from avatars a
where c.avatar_url ~ '/avatars/[0-9a-f]{64}$' and a.id = right(c.avatar_url, 64);

-- Ids were hashes of the bytes, which rooms shared: now each room has a picture of its own. Those of no room go.
insert into avatars (id, bytes, mime, created_at, conversation_id)
select replace(gen_random_uuid()::text || gen_random_uuid(), '-', ''), a.bytes, a.mime, a.created_at, c.id
from conversations c join avatars a on a.id = c.avatar_id;
-- Where they are in Matrix' media repository.
insert into bridge_state (key, value)
select 'avatar:' || a.id, s.value
from avatars a join conversations c on c.id = a.conversation_id join bridge_state s on s.key = 'avatar:' || c.avatar_id;
delete from bridge_state where key like 'avatar:%' and key not in (
  select 'avatar:' || id from avatars where conversation_id is not null);
update conversations c set avatar_id = (select a.id from avatars a where a.conversation_id = c.id)
where avatar_id is not null;
delete from avatars where conversation_id is null;

alter table avatars alter column conversation_id set not null;
create unique index avatars_room on avatars (conversation_id);

create function causeway_avatar_gone() returns trigger
language plpgsql
as $$
begin
  delete from bridge_state where key = 'avatar:' || old.id;
  return null;
end $$;
create trigger avatars_gone after delete on avatars for each row execute function causeway_avatar_gone();
