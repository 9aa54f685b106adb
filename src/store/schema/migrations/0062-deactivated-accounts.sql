-- The homeserver's administrator, or the person, deactivated the account; Matrix credentials for it end this.
alter table bridge_ghosts add column deactivated boolean not null default false;
