/** Rooms as they are now; room-lists.ts and memberships.ts have the rest of the queries. Nothing here locks. */
import type { Conversation } from "../../domain/model.ts";
import type { RoomQueries } from "../../domain/ports/store/rooms.ts";
import { callerList, runningCalls } from "../log/running-calls.ts";
import type { Database } from "../sql/database.ts";
import { createReaders } from "../sql/readers.ts";
import { CONVERSATION, columns, MEMBERSHIP, noun, type Row } from "../sql/rows.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";
import { createMembershipQueries } from "./memberships.ts";
import { createRoomLists } from "./room-lists.ts";
import { createSessionRooms } from "./session-rooms.ts";

export function createRoomQueries(db: Database): RoomQueries {
  const { sql } = db;
  const conversationColumns = columns(sql, "c", CONVERSATION);

  async function one(condition: Fragment | Statement<Row[]>): Promise<Conversation | null> {
    const [row] = await db.read(
      sql<Row[]>`select ${conversationColumns} from conversations c where ${condition}`,
    );
    return row ? noun(row, "c", CONVERSATION) : null;
  }

  function nameIs(room: Parameters<RoomQueries["locate"]>[0]): Statement<Row[]> {
    if ("token" in room) return sql`c.token = ${room.token}`;
    if ("uuid" in room) return sql`c.uuid = ${room.uuid}::uuid`;
    if ("publicId" in room) return sql`c.public_id = ${room.publicId}`;
    return sql`c.id = ${room.id}`;
  }

  async function all(rest: Statement<Row[]>): Promise<Conversation[]> {
    const rows = await db.read(sql<Row[]>`select ${conversationColumns} from conversations c ${rest}`);
    return rows.map((row) => noun(row, "c", CONVERSATION));
  }

  return {
    ...createRoomLists(db),
    ...createMembershipQueries(db),
    sessionRooms: createSessionRooms(db),
    readers: createReaders(db),
    async tokens(conversationIds) {
      if (conversationIds.length === 0) return new Map();
      const rows = await db.read(sql<{ id: number; token: string }[]>`
        select id, token from conversations where id = any (${[...conversationIds]}::bigint[])`);
      return new Map(rows.map(({ id, token }) => [id, token]));
    },
    async access(room, member) {
      const [row] = await db.read(sql<Row[]>`
        select ${conversationColumns}, ${columns(sql, "m", MEMBERSHIP)}, h.access_version,
               c.pair is not null and (
                 select count(*) from memberships p
                 where p.conversation_id = c.id and p.member = any (string_to_array(c.pair, ' '))
               ) < (select count(distinct k) from unnest(string_to_array(c.pair, ' ')) as k) as peer_left
        from conversations c
        join room_heads h on h.conversation_id = c.id
        join memberships m on m.conversation_id = c.id and m.member = ${member}
        where c.token = ${room}`);
      if (!row) return null;
      return {
        conversation: noun(row, "c", CONVERSATION),
        membership: noun(row, "m", MEMBERSHIP),
        accessVersion: Number(row.access_version),
        peerLeft: row.peer_left === true,
      };
    },
    async locate(room, member) {
      const [row] = await db.read(sql<Row[]>`
        select ${conversationColumns}, ${columns(sql, "m", MEMBERSHIP)} from conversations c
        left join memberships m on m.conversation_id = c.id and m.member = ${member}
        where ${nameIs(room)}`);
      if (!row) return null;
      return {
        conversation: noun(row, "c", CONVERSATION),
        membership: row["m.member"] === null ? null : noun(row, "m", MEMBERSHIP),
      };
    },
    byToken: (token) => one(sql`c.token = ${token}`),
    byPublicId: (publicId) => one(sql`c.public_id = ${publicId}`),
    byId: (id) => one(sql`c.id = ${id}`),
    byMatrixRoomId: (matrixRoomId) => one(sql`c.matrix_room_id = ${matrixRoomId}`),
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
    async conversationIdsOf(member) {
      const rows = await db.read(sql<{ id: number }[]>`
        select conversation_id as id from memberships where member = ${member} order by conversation_id`);
      return rows.map(({ id }) => id);
    },
    dueLobbies: (now, limit) =>
      all(sql`where c.lobby and c.lobby_until <= ${now} order by c.lobby_until, c.id limit ${limit}`),
    dueForDeletion: (now, limit) =>
      all(sql`where c.scheduled_deletion <= ${now} order by c.scheduled_deletion, c.id limit ${limit}`),
    runningCalls: async (ids) => runningCalls(await db.read(callerList(sql, ids))),
    async changedUsers(seen) {
      if (seen.length === 0) return [];
      const ids = seen.map(({ userId }) => userId);
      const versions = seen.map(({ version }) => version);
      return await db.read(sql<{ userId: number; version: number | null }[]>`
        select s.user_id as "userId", h.version
        from unnest(${ids}::bigint[], ${versions}::bigint[]) as s (user_id, version)
        left join user_heads h on h.user_id = s.user_id
        where h.version is distinct from s.version`);
    },
    async userVersion(userId) {
      const [row] = await db.read(sql<{ version: number }[]>`
        select version from user_heads where user_id = ${userId}`);
      return row?.version ?? null;
    },
    async counts() {
      const [row] = await db.read(sql<[Awaited<ReturnType<RoomQueries["counts"]>>]>`
        with few as materialized (select message_count from room_heads limit ${COUNTED}),
             known as (
               select count(*) < ${COUNTED} as exact, count(*) as rooms, coalesce(sum(message_count), 0)::bigint as messages
               from few
             )
        select (select count(*) from (select from organizations limit ${COUNTED}) o) as organizations,
               case when exact then (select count(*) from users where deleted_at is null)
                    else ${estimate(sql, "users")} end as users,
               case when exact then rooms else ${estimate(sql, "room_heads")} end as rooms,
               case when exact then messages else ${estimate(sql, "events")} end as messages
        from known`);
      return row;
    },
  };
}

/** Above this the figures for operators are PostgreSQL's own estimates: counting would read every room. */
const COUNTED = 10_000;

/** How many rows the planner believes a table to have; partitions count with it. */
function estimate(sql: Sql, table: "users" | "room_heads" | "events"): Statement<Row[]> {
  return sql`(
    select greatest(0, coalesce(sum(c.reltuples), 0))::bigint from pg_class c
    where c.oid = ${table}::regclass or c.oid in (select inhrelid from pg_inherits where inhparent = ${table}::regclass))`;
}
