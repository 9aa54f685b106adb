/** Which message is pinned in a chatroom, and which one in Matrix. */
import type { StoreSql } from "../../src/store/postgres.ts";

export interface BridgePins {
  /**
   * Ids of Matrix events. `wanted`: of the message that is pinned in the chatroom, null without one and for one that is not in Matrix;
   * `shown`: that the bridge has pinned in Matrix.
   */
  pin(roomId: number): Promise<{ wanted: string | null; shown: string | null }>;
  /** Stores what is pinned in Matrix. */
  putPin(roomId: number, eventId: string | null): Promise<void>;
}

export function createBridgePins(sql: StoreSql): BridgePins {
  return {
    async pin(roomId) {
      const [row] = await sql<{ wanted: string | null; shown: string | null }[]>`
        select b.pinned_event as shown, (
          select e.event_id from pinned_messages p
          join bridge_events e on e.conversation_id = p.conversation_id and e.seq = p.seq
          where p.conversation_id = ${roomId} and not e.redacted and (e.op = 'message' or e.op like 'file:%')
          order by e.op <> 'message', length(e.op), e.op limit 1) as wanted
        from bridge_rooms b where b.conversation_id = ${roomId}`;
      return row ?? { wanted: null, shown: null };
    },
    async putPin(roomId, eventId) {
      await sql`update bridge_rooms set pinned_event = ${eventId} where conversation_id = ${roomId}`;
    },
  };
}
