/** Rooms as they are now, by their names. Nothing here locks. */
import type { MemberKey, Room } from "../../domain/model.ts";
import type { RoomAccess, RoomName, RoomQueries } from "../../domain/ports/store/rooms.ts";
import type { Database } from "../sql/database.ts";
import { CONVERSATION, columns, MEMBERSHIP, noun, type Row } from "../sql/rows.ts";
import type { Fragment, Statement } from "../sql/sql.ts";

export function createRoomQueries(db: Database): RoomQueries {
  const { sql } = db;
  const roomColumns = columns(sql, "c", CONVERSATION);
  const all = (rest: Statement<Row[]>) => selectRooms(db, rest);
  const one = async (condition: Fragment | Statement<Row[]>) =>
    (await all(sql`where ${condition}`))[0] ?? null;

  function nameIs(room: RoomName): Statement<Row[]> {
    if ("token" in room) return sql`c.token = ${room.token}`;
    if ("uuid" in room) return sql`c.uuid = ${room.uuid}::uuid`;
    if ("publicId" in room) return sql`c.public_id = ${room.publicId}`;
    return sql`c.id = ${room.id}`;
  }

  async function accesses(condition: Statement<Row[]>, member: MemberKey): Promise<RoomAccess[]> {
    const rows = await db.read(sql<Row[]>`
      select ${roomColumns}, ${columns(sql, "m", MEMBERSHIP)}, h.access_version,
             c.pair is not null and (
               select count(*) from memberships p
               where p.conversation_id = c.id and p.member = any (string_to_array(c.pair, ' '))
             ) < (select count(distinct k) from unnest(string_to_array(c.pair, ' ')) as k) as peer_left
      from conversations c
      join room_heads h on h.conversation_id = c.id
      join memberships m on m.conversation_id = c.id and m.member = ${member}
      where ${condition}`);
    return rows.map((row) => ({
      room: noun(row, "c", CONVERSATION),
      membership: noun(row, "m", MEMBERSHIP),
      accessVersion: Number(row.access_version),
      peerLeft: row.peer_left === true,
    }));
  }

  return {
    async tokens(roomIds) {
      if (roomIds.length === 0) return new Map();
      const rows = await db.read(sql<{ id: number; token: string }[]>`
        select id, token from conversations where id = any (${[...roomIds]}::bigint[])`);
      return new Map(rows.map(({ id, token }) => [id, token]));
    },
    access: async (room, member) => (await accesses(sql`c.token = ${room}`, member))[0] ?? null,
    async accesses(rooms, member) {
      return rooms.length === 0 ? [] : await accesses(sql`c.token = any (${[...rooms]}::text[])`, member);
    },
    async locate(room, member) {
      const [row] = await db.read(sql<Row[]>`
        select ${roomColumns}, ${columns(sql, "m", MEMBERSHIP)} from conversations c
        left join memberships m on m.conversation_id = c.id and m.member = ${member}
        where ${nameIs(room)}`);
      if (!row) return null;
      return {
        room: noun(row, "c", CONVERSATION),
        membership: row["m.member"] === null ? null : noun(row, "m", MEMBERSHIP),
      };
    },
    byToken: (token) => one(sql`c.token = ${token}`),
    byPublicId: (publicId) => one(sql`c.public_id = ${publicId}`),
    byGuestCode: (code) => one(sql`c.guest_code = ${code}`),
    byId: (id) => one(sql`c.id = ${id}`),
    byMatrixRoomId: (matrixRoomId) => one(sql`c.matrix_room_id = ${matrixRoomId}`),
    dueLobbies: (now, limit) =>
      all(sql`where c.lobby and c.lobby_until <= ${now} order by c.lobby_until, c.id limit ${limit}`),
    dueForDeletion: (now, limit) =>
      all(sql`where c.scheduled_deletion <= ${now} order by c.scheduled_deletion, c.id limit ${limit}`),
  };
}

/** Rooms `c`, by what comes after `from`. */
export async function selectRooms({ sql, read }: Database, rest: Statement<Row[]>): Promise<Room[]> {
  const rows = await read(sql<Row[]>`select ${columns(sql, "c", CONVERSATION)} from conversations c ${rest}`);
  return rows.map((row) => noun(row, "c", CONVERSATION));
}
