/**
 * The parts of rooms that many members of a crowd have alike, kept for a moment. A version says whether a part is that of
 * now: it is the version of the two rows that the part is read from. What changes a message without touching them (the
 * erasure of an account) is seen after {@link KEPT_MS} at the latest.
 */
import { setTimeout } from "node:timers";
import type { Database } from "../sql/database.ts";
import { type OwnRow, partRows, type RoomPart, roomPart } from "./session-room-rows.ts";

const KEPT_MS = 2_000;
const MAX_KEPT = 20_000;

export interface RoomParts {
  /**
   * The parts of these rows' rooms; what is not known is read in one statement. The part of a room that changed since its
   * row was read is missing.
   */
  of(rows: readonly OwnRow[]): Promise<(RoomPart | null)[]>;
}

export function createRoomParts(db: Database): RoomParts {
  const kept = new Map<number, RoomPart>();

  function keep(id: number, part: RoomPart): void {
    if (kept.size === 0) setTimeout(() => kept.clear(), KEPT_MS).unref();
    if (kept.size < MAX_KEPT) kept.set(id, part);
  }

  return {
    async of(rows) {
      const missing = new Set<number>();
      const parts = rows.map((row) => {
        const part = fitting(row, kept.get(row.conversation_id));
        if (part === null) missing.add(row.conversation_id);
        return part;
      });
      if (missing.size === 0) return parts;
      const read = new Map<number, RoomPart>();
      for (const row of await partRows(db, [...missing])) read.set(row.conversation_id, roomPart(row));
      for (const [id, part] of read) keep(id, part);
      return rows.map((row, n) => parts[n] ?? fitting(row, read.get(row.conversation_id)));
    },
  };
}

function fitting(row: OwnRow, part: RoomPart | undefined): RoomPart | null {
  if (part === undefined) return null;
  return part.roomVersion === row.room_version && part.headVersion === row.head_version ? part : null;
}
