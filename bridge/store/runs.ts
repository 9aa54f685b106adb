/**
 * Mirrors a room's log again from an earlier seq, into the same Matrix room or a new one. Each time starts a new run; marks
 * and transaction ids of another run differ, so the homeserver does not take the events for repetitions.
 */
import type { StoreSql } from "../../src/store/postgres.ts";
import type { Fragment } from "../../src/store/sql/sql.ts";

export interface BridgeRuns {
  /**
   * Forgets the Matrix room of a chatroom that this worker has claimed, because the homeserver has lost it. The room's next
   * turn makes a new one and mirrors the log from the last {@link MESSAGES_KEPT} messages on.
   */
  forgetMatrixRoom(id: number, node: string): Promise<void>;
  /**
   * Mirrors the room's log again from the event `from` on. Where the log ends before `from`, nothing changes.
   * @returns the room's id and head; null when the bridge has no such room; `"busy"` while a worker has the room, or the
   *   outbox has entries, which may have been sent: in another run they would count as a person's
   */
  remirror(token: string, from: number): Promise<{ id: number; head: number } | "busy" | null>;
  /** How far the room's log is mirrored; null when the room is gone. */
  progress(id: number): Promise<{ mirrored: number; head: number } | null>;
}

/** The newest messages of a room that a Matrix room which is made again gets. */
const MESSAGES_KEPT = 50;

export function createBridgeRuns(sql: StoreSql): BridgeRuns {
  const forgetFrom = (id: Fragment, from: number) => sql`
    forgotten as (
      delete from bridge_events where conversation_id = (${id}) and seq >= ${from}::bigint
      returning event_id, conversation_id, seq, op, sender, target, shown, redacted, file, at
    ), kept as (
      insert into bridge_former_events (
        event_id, conversation_id, seq, op, sender, target, shown, redacted, file, at)
      select event_id, conversation_id, seq, op, sender, target, shown, redacted, file, at from forgotten
      on conflict do nothing
    ), outbox as (
      delete from bridge_outbox where conversation_id = (${id})
    ), letters as (
      delete from bridge_dead_letters
      where conversation_id = (${id}) and direction = 'to_matrix' and coalesce(seq, ${from}::bigint) >= ${from}::bigint
    )`;

  return {
    async forgetMatrixRoom(id, node) {
      const room = sql`
        select conversation_id from bridge_rooms where conversation_id = ${id} and owner = ${node}`;
      await sql`
        with ${forgetFrom(room.fragment, 1)}, newest as (
          select seq from events where conversation_id = (${room}) and type = 'message' and not deleted
          order by seq desc limit ${MESSAGES_KEPT}
        ), members as (
          delete from bridge_members where conversation_id = (${room})
        ), named as (
          update conversations set matrix_room_id = null where id = (${room})
        )
        update bridge_rooms b set matrix_room_id = null, room_version = null, foreign_room = false, read_only = false, posting = 'all',
               pinned_event = null,
               mirrored_seq = coalesce((select min(seq) - 1 from newest), 0),
               run = b.run + 1, unsettled = b.unsettled + 1,
               seen_head = coalesce((select head_seq from room_heads h where h.conversation_id = b.conversation_id), 0)
        where b.conversation_id = (${room})`;
    },
    async remirror(token, from) {
      return await sql.begin(async (tx) => {
        const [room] = await tx<{ id: number; head: number; free: boolean; waiting: boolean }[]>`
          select b.conversation_id as id, h.head_seq as head,
                 b.owner is null or not exists (
                   select from bridge_workers w where w.node = b.owner and w.expires_at > causeway_now()) as free,
                 exists (select from bridge_outbox o
                   where o.conversation_id = b.conversation_id and o.seq > b.mirrored_seq) as waiting
          from bridge_rooms b join room_heads h on h.conversation_id = b.conversation_id
          where b.token = ${token} and b.matrix_room_id is not null for update of b`;
        if (!room) return null;
        const { id, head } = room;
        if (from > head) return { id, head };
        if (!room.free || room.waiting) return "busy";
        await tx`
          with ${forgetFrom(tx`select ${id}::bigint`.fragment, from)}
          update bridge_rooms set mirrored_seq = least(mirrored_seq, ${from - 1}::bigint), run = run + 1,
                 seen_head = ${head}, retry_at = 0
          where conversation_id = ${id}`;
        return { id, head };
      });
    },
    async progress(id) {
      const [row] = await sql<{ mirrored: number; head: number }[]>`
        select b.mirrored_seq as mirrored, h.head_seq as head
        from bridge_rooms b join room_heads h on h.conversation_id = b.conversation_id
        where b.conversation_id = ${id}`;
      return row ?? null;
    },
  };
}
