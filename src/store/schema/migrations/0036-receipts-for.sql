-- Whom a member tells how far they have read: users.receipts_for, in each of the user's memberships, where markers are moved
-- and read. 'everybody' for others than users.
alter table memberships add column receipts_for text not null default 'everybody';
update memberships m set receipts_for = u.receipts_for from users u
where u.id = m.user_id and u.receipts_for <> 'everybody';
