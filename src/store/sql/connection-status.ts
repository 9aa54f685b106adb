/** The status of a connection of two people, as an SQL expression. */
import type { Sql, Statement } from "./sql.ts";

/**
 * The status of the row `k` of connections, as its owner sees it. People of one organization count as connected, unless
 * the owner blocked the other.
 */
export function shownStatus(sql: Sql): Statement<never[]> {
  return sql<never[]>`
    case when k.status <> 'blocked' and exists (
      select from organization_users a join organization_users b on b.organization_id = a.organization_id
      where a.user_id = k.user_id and b.user_id = k.peer_id) then 'accepted' else k.status end`;
}
