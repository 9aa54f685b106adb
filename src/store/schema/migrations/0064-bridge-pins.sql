-- pinned_event: the Matrix event that the bridge has pinned in the Matrix room; null: none.
alter table bridge_rooms add column pinned_event text;

-- Moderators may change topic, picture, roles and pins in Matrix from now on. Rooms in which somebody looks there are given the rights, and their
-- pins, at once; others when somebody signs in.
update bridge_rooms b set doubts = b.doubts + 1
where b.matrix_room_id is not null and not b.gone and exists (
  select from bridge_members x left join bridge_ghosts g on g.member = x.member
  where x.conversation_id = b.conversation_id and x.membership = 'join' and (g.active or x.member like 'm:%'));
