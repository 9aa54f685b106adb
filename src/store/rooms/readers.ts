/** How far the members of a room have read. Many clients ask at once when they come back after an outage. */
import { type Audience, actorOf, type MemberKey } from "../../domain/model.ts";
import type { MembershipStore } from "../../domain/ports/store/memberships.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";

/** Members of a room that are shown as its readers. */
const MAX_READERS = 500;
/** Rooms of one statement. */
const MAX_ROOMS = 100;
/** Statements under way at once. */
const MAX_STATEMENTS = 2;

interface ReaderRow {
  room: number;
  member: MemberKey;
  name: string;
  seq: number;
  audience: Audience;
}

export function createReaders({ sql, read }: Database): MembershipStore["readers"] {
  return createBatchLoader({
    maxStatements: MAX_STATEMENTS,
    maxKeys: MAX_ROOMS,
    read: async (ids: number[]) => {
      const rooms = [...new Set(ids)];
      const found = await read(sql<ReaderRow[]>`
        select r.id as room, m.member, m.name, m.read_seq as seq, m.receipts_for as audience from unnest(${rooms}::bigint[]) as r (id)
        cross join lateral (
          select member, name, read_seq, receipts_for from memberships where conversation_id = r.id
          order by read_seq desc, member limit ${MAX_READERS}
        ) m`);
      const readers = byKey(
        rooms,
        found,
        ({ room }) => room,
        (own) => own.map(({ member, name, ...marker }) => ({ actor: actorOf(member, name), ...marker })),
      );
      const byRoom = new Map(rooms.map((id, i) => [id, readers[i] ?? []]));
      return ids.map((id) => byRoom.get(id) ?? []);
    },
  });
}
