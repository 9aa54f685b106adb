-- avatar_id: the user's picture that the account in Matrix has; null: none.
alter table bridge_ghosts add column avatar_id text;
update bridge_ghosts g set changed = true
from users u where g.member = 'u:' || u.id and g.display_name <> '' and u.avatar_id is not null and u.deleted_at is null;

drop trigger users_ghost on users;
create trigger users_ghost after update of display_name, avatar_id, deleted_at on users for each row
  when (old.display_name <> new.display_name or old.avatar_id is distinct from new.avatar_id
    or (old.deleted_at is null and new.deleted_at is not null))
  execute function causeway_ghost_changed();
