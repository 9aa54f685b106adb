/**
 * Dead letters: what the bridge put aside because the homeserver refused it for good, or because it could not be applied
 * (schema/migrations/0054-bridge-dead-letters.sql). Operators list, retry and drop them over the admin API.
 */
import type { BridgeLetters, BridgeRoomState, DeadLetter } from "../../src/domain/ports/matrix.ts";
import type { StoreSql } from "../../src/store/postgres.ts";
import type { OutboxEntry } from "./queues.ts";

/** Why something was put aside. */
export interface PutAside {
  errcode: string | null;
  reason: string;
}

export interface BridgeDeadLetters extends BridgeLetters {
  /** Keeps an entry that Matrix does not take, as it was first tried. */
  putEntryAside(roomId: number, entry: OutboxEntry, why: PutAside): Promise<void>;
  /** Keeps a change of the room or of a membership that Matrix does not take. `what` identifies it within the room. */
  putChangeAside(roomId: number, what: string, why: PutAside): Promise<void>;
  /** Keeps an event from Matrix that can't be applied. */
  putEventAside(
    roomId: number,
    event: { eventId: string; type: string; text: string },
    why: PutAside,
  ): Promise<void>;
  /** Forgets an event from Matrix that was put aside, because its sender has redacted it. */
  forgetEvent(eventId: string): Promise<void>;
  /** Forgets the entries of an event of the log that were put aside, because it was deleted. */
  forgetEntries(roomId: number, seq: number): Promise<void>;
  /** Entries that are tried again, in the order of the log. */
  lateEntries(roomId: number): Promise<OutboxEntry[]>;
  /** The changes (`what`) that are tried again. */
  retriedChanges(roomId: number): Promise<string[]>;
  /** Drops the changes that were tried again. Those that were refused once more are letters of their own. */
  dropRetriedChanges(roomId: number): Promise<void>;
}

/** Of one room; members can cause letters. Beyond this the oldest are dropped. */
const MAX_LETTERS = 1_000;

export function createBridgeDeadLetters(sql: StoreSql): BridgeDeadLetters {
  return { ...createPutAside(sql), ...createRetries(sql), ...createLetters(sql) };
}

function createPutAside(
  sql: StoreSql,
): Pick<
  BridgeDeadLetters,
  "putEntryAside" | "putChangeAside" | "putEventAside" | "forgetEvent" | "forgetEntries"
> {
  async function keepNewest(roomId: number): Promise<void> {
    await sql`
      delete from bridge_dead_letters where conversation_id = ${roomId} and id <= (
        select id from bridge_dead_letters where conversation_id = ${roomId}
        order by id desc offset ${MAX_LETTERS} limit 1)`;
  }

  return {
    async putEntryAside(roomId, entry, { errcode, reason }) {
      const { seq, part, op } = entry;
      const content = JSON.stringify(entry);
      await sql`
        insert into bridge_dead_letters (conversation_id, room, direction, kind, seq, part, content, errcode, reason)
        select conversation_id, token, 'to_matrix', ${op}, ${seq}, ${part}, ${content}, ${errcode}, ${reason}
        from bridge_rooms where conversation_id = ${roomId}
        on conflict (conversation_id, seq, part) where seq is not null do update
        set errcode = excluded.errcode, reason = excluded.reason, at = excluded.at`;
      await keepNewest(roomId);
    },
    async putChangeAside(roomId, what, { errcode, reason }) {
      await sql`
        insert into bridge_dead_letters (conversation_id, room, direction, kind, what, errcode, reason)
        select conversation_id, token, 'to_matrix', 'change', ${what}, ${errcode}, ${reason}
        from bridge_rooms where conversation_id = ${roomId}
        on conflict (conversation_id, what) where kind = 'change' do update
        set errcode = excluded.errcode, reason = excluded.reason, at = excluded.at, retried = false`;
      await keepNewest(roomId);
    },
    async putEventAside(roomId, { eventId, type, text }, { errcode, reason }) {
      await sql`
        insert into bridge_dead_letters (conversation_id, room, direction, kind, event_id, content, errcode, reason)
        select conversation_id, token, 'from_matrix', ${type}, ${eventId}, ${text}, ${errcode}, ${reason}
        from bridge_rooms where conversation_id = ${roomId}
        on conflict (event_id) where event_id is not null do update
        set errcode = excluded.errcode, reason = excluded.reason, at = excluded.at`;
      await keepNewest(roomId);
    },
    async forgetEvent(eventId) {
      await sql`delete from bridge_dead_letters where event_id = ${eventId}`;
    },
    async forgetEntries(roomId, seq) {
      await sql`delete from bridge_dead_letters where conversation_id = ${roomId} and seq = ${seq}`;
    },
  };
}

function createRetries(
  sql: StoreSql,
): Pick<BridgeDeadLetters, "lateEntries" | "retriedChanges" | "dropRetriedChanges" | "retry"> {
  return {
    async lateEntries(roomId) {
      return await sql<OutboxEntry[]>`
        select seq, part, op, rev, sender, sender_name as "senderName", content, target, shown, file, at,
               planned_at as "plannedAt", stand_in as "standIn"
        from bridge_outbox where conversation_id = ${roomId} and late order by seq, part`;
    },
    async retriedChanges(roomId) {
      const rows = await sql<{ what: string }[]>`
        select what from bridge_dead_letters where conversation_id = ${roomId} and retried`;
      return rows.map(({ what }) => what);
    },
    async dropRetriedChanges(roomId) {
      await sql`delete from bridge_dead_letters where conversation_id = ${roomId} and retried`;
    },
    async retry(id) {
      const [row] = await sql<{ id: number }[]>`select causeway_retry_letter(${id}) as id`;
      return row?.id != null;
    },
  };
}

function createLetters(sql: StoreSql): Pick<BridgeDeadLetters, "list" | "drop" | "room"> {
  return {
    async list({ room, after, limit }) {
      return await sql<DeadLetter[]>`
        select id, room, direction, kind, what, seq, event_id as "matrixEvent", errcode, reason, at, retried
        from bridge_dead_letters
        where id > ${after} ${room === undefined ? sql`` : sql`and room = ${room}`}
        order by id limit ${limit}`;
    },
    async drop(id) {
      return (await sql`delete from bridge_dead_letters where id = ${id} returning 1`).length > 0;
    },
    async room(token) {
      const [row] = await sql<BridgeRoomState[]>`
        select b.token as room, b.matrix_room_id as "matrixRoom", b.mirrored_seq as mirrored, h.head_seq as head,
               b.failures, b.reason,
               (select count(*) from bridge_inbox i
                where i.conversation_id = b.conversation_id and i.done_at is null) as inbox,
               (select count(*) from bridge_dead_letters d
                where d.conversation_id = b.conversation_id) as "deadLetters"
        from bridge_rooms b join room_heads h on h.conversation_id = b.conversation_id
        where b.token = ${token}`;
      return row ?? null;
    },
  };
}
