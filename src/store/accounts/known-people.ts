/** The SQL condition for one user knowing another. */
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
