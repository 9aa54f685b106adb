-- A one-to-one room knows that one of its two blocked the other, so that whoever acts there is judged without a look at
-- their connection. Whoever blocks or unblocks changes it under the room's lock.
alter table conversations add column blocked boolean not null default false;

update conversations c set blocked = true
from connections k
where k.status = 'blocked' and c.pair = causeway_pair(k.user_id, k.peer_id);

update room_heads h set access_version = h.access_version + 1
from conversations c where c.id = h.conversation_id and c.blocked;

-- When a member last changed what their other clients are told of. Only the latest change is kept.
alter table memberships add column settings_at bigint;
create index memberships_settings on memberships (member, settings_at) where settings_at is not null;
