/** The SQL conditions for one user knowing another, and for what a user tells another. */
import type { Fragment, Sql, Statement } from "../sql/sql.ts";

type Id = Statement<never[]> | Fragment | number;

/**
 * Whether the user `viewer` may know the user `other`: they share an organization or a room, neither has an
 * organization, or `other` asked for a connection or accepted one. Blocking does not change it.
 */
export function isKnown(sql: Sql, viewer: Id, other: Id): Statement<never[]> {
  // The aliases must differ from those of the surrounding statement, whose columns `viewer` and `other` name.
  return sql<never[]>`(
    ${other} = ${viewer}
    or exists (
      select from organization_users known_a
      join organization_users known_b on known_b.organization_id = known_a.organization_id
      where known_a.user_id = ${viewer} and known_b.user_id = ${other})
    or not exists (select from organization_users known_a where known_a.user_id in (${viewer}, ${other}))
    or exists (
      select from connections known_k
      where known_k.user_id = ${other} and known_k.peer_id = ${viewer} and known_k.status in ('sent', 'accepted'))
    or exists (
      select from memberships known_m
      join memberships known_n on known_n.conversation_id = known_m.conversation_id and known_n.member = 'u:' || ${other}
      where known_m.member = 'u:' || ${viewer}))`;
}

/**
 * Whether `viewer` is a contact of the user whose id `owner` names: see `Audience`.
 * @param owner a column of the surrounding statement
 */
export function isContact(sql: Sql, owner: "u.id" | "m.user_id", viewer: Id): Statement<never[]> {
  const id = sql.unsafe(owner);
  return sql<never[]>`(
    exists (
      select from contacts told_b where told_b.owner_id = ${id} and told_b.user_id = ${viewer} and told_b.deleted_at is null)
    or exists (
      select from connections told_k
      join connections told_r on told_r.user_id = told_k.peer_id and told_r.peer_id = told_k.user_id
      where told_k.user_id = ${id} and told_k.peer_id = ${viewer} and told_k.status = 'accepted'
        and told_r.status = 'accepted'))`;
}

/** Whether the user of the row `u` tells `viewer` what this column is about: see `Audience`. */
export function tells(sql: Sql, column: "receipts_for" | "last_seen_for", viewer: Id): Statement<never[]> {
  const audience = sql.unsafe(`u.${column}`);
  return sql<never[]>`(
    ${audience} = 'everybody' or u.id = ${viewer}
    or ${audience} = 'contacts' and ${isContact(sql, "u.id", viewer)})`;
}

/** The ids of those whom the user of the row `u` blocks, as an array. */
export function blockedBy(sql: Sql): Fragment {
  return sql.unsafe(
    "array(select k.peer_id from connections k where k.user_id = u.id and k.status = 'blocked' order by k.peer_id)",
  );
}
