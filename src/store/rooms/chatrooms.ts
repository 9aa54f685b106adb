/** Queries for an organization's chatrooms (Messenger). */
import type { ChatroomQueries } from "../../domain/ports/store/rooms.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { Statement } from "../sql/sql.ts";
import { selectRooms } from "./rooms.ts";

export function createChatroomQueries(db: Database): ChatroomQueries {
  const { sql } = db;
  const all = (rest: Statement<Row[]>) => selectRooms(db, rest);
  const one = async (condition: Statement<Row[]>) => (await all(sql`where ${condition}`))[0] ?? null;
  return {
    byEvent: (organizationId, eventId) =>
      one(sql`c.organization_id = ${organizationId} and c.event_id = ${eventId}`),
    defaultOf: (organizationId) => one(sql`c.organization_id = ${organizationId} and c.kind = 'default'`),
    async ofOrganization(organizationId, { limit, offset, member }) {
      const rooms = sql`c.organization_id = ${organizationId} and c.kind is not null and (
        ${member ?? null}::text is null
        or exists (select from memberships m where m.conversation_id = c.id and m.member = ${member ?? null}))`;
      const [entries, [count]] = await Promise.all([
        all(sql`where ${rooms} order by c.id limit ${limit} offset ${offset}`),
        db.read(sql<{ total: number }[]>`select count(*) as total from conversations c where ${rooms}`),
      ]);
      return { entries, total: count?.total ?? 0 };
    },
  };
}
