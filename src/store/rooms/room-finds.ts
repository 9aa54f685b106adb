/** Finds the rooms that a transaction has to lock, by member or by organization. */
import { pairOf } from "../../domain/model.ts";
import type { OrganizationRooms, RoomFinds } from "../../domain/ports/store/transaction.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";

export function createRoomFinds({ sql }: TransactionScope): RoomFinds {
  return {
    async organizationRooms(organizationId, which) {
      const rows = await sql<{ id: number }[]>`
        select c.id from conversations c
        where c.organization_id = ${organizationId} and ${condition(sql, which)} order by c.id`;
      return rows.map(({ id }) => id);
    },
    async roomIdsOf(member) {
      const rows = await sql<{ id: number }[]>`
        select conversation_id as id from memberships where member = ${member} order by conversation_id`;
      return rows.map(({ id }) => id);
    },
    async oneToOne(a, b) {
      const pair = pairOf(a, b);
      await sql`select pg_advisory_xact_lock(hashtextextended(${`one_to_one ${pair}`}, 0))`;
      const [row] = await sql<{ id: number }[]>`select id from conversations where pair = ${pair}`;
      return row?.id ?? null;
    },
  };
}

function condition(sql: Sql, rooms: OrganizationRooms): Fragment | Statement<never[]> {
  switch (rooms.which) {
    case "all":
      return sql<never[]>`true`;
    case "default":
      return sql<never[]>`c.kind = 'default'`;
    case "event":
      return sql<never[]>`c.event_id = ${rooms.eventId}`;
    case "member":
      return sql<never[]>`exists (
        select from memberships m where m.conversation_id = c.id and m.member = ${rooms.member})`;
    case "following":
      return sql<never[]>`c.automation_enabled and (c.kind = 'default' or c.kind = 'event' and exists (
        select from organization_event_users e
        where e.organization_id = c.organization_id and e.event_id = c.event_id and e.user_id = ${rooms.userId}))`;
  }
}
