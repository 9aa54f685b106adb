/**
 * Doubts: reasons to look whether a room's Matrix room is there and as it should be. A room turn answers them. Leaves of
 * people are held for a moment, because a homeserver that deletes a room makes everybody leave it first.
 */
import type { StoreSql } from "../../src/store/postgres.ts";

export interface BridgeDoubts {
  /** Adds a doubt about the room's Matrix room. */
  doubt(roomId: number): Promise<void>;
  /** Adds a doubt about each room whose Matrix room is not among these. @returns how many rooms there are */
  doubtAllBut(matrixRoomIds: readonly string[]): Promise<number>;
  /** Removes doubts that were answered. */
  settleDoubts(roomId: number, answered: number): Promise<void>;
  /**
   * Holds a leave in the inbox for `holdMs`, with all that are held in the room: in a room that is being deleted they follow
   * one another until the bot is out, too.
   * @returns false when it was held before
   */
  hold(roomId: number, eventId: string, holdMs: number): Promise<boolean>;
}

export function createBridgeDoubts(sql: StoreSql): BridgeDoubts {
  return {
    async doubt(roomId) {
      await sql`update bridge_rooms set doubts = doubts + 1 where conversation_id = ${roomId}`;
    },
    async doubtAllBut(matrixRoomIds) {
      const rows = await sql`
        update bridge_rooms set doubts = 1
        where matrix_room_id is not null and not gone and doubts = 0
          and not exists (select from unnest(${matrixRoomIds}::text[]) as k (id) where k.id = matrix_room_id)
        returning 1`;
      return rows.length;
    },
    async settleDoubts(roomId, answered) {
      await sql`
        update bridge_rooms set doubts = greatest(doubts - ${answered}::integer, 0) where conversation_id = ${roomId}`;
    },
    async hold(roomId, eventId, holdMs) {
      const rows = await sql`
        update bridge_inbox set held_until = causeway_now() + ${holdMs}::bigint
        where conversation_id = ${roomId} and done_at is null and (event_id = ${eventId} or held_until is not null)
          and exists (
            select from bridge_inbox i where i.event_id = ${eventId} and i.done_at is null and i.held_until is null)
        returning 1`;
      return rows.length > 0;
    },
  };
}
