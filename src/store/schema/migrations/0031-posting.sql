-- Rooms in which only moderators write.
alter table conversations add column posting text not null default 'all' check (posting in ('all', 'moderators'));
-- As of the last event that was mirrored.
alter table bridge_rooms add column posting text not null default 'all';
