/** The outbox (entries for Matrix) and the inbox (events from Matrix). */
import type { StoreSql } from "../../src/store/postgres.ts";
import type { MirroredEvent, SentOp } from "./events.ts";
import { isDue, released } from "./waiting.ts";

export interface OutboxEntry {
  seq: number;
  /** Its number among the entries of the same event of the log, from 0. */
  part: number;
  op: SentOp;
  /** Grows each time the entry is changed after a refusal. */
  rev: number;
  /** The sender's Matrix id. */
  sender: string;
  senderName: string;
  /** JSON of a `Draft` (mapping/outbox-plan.ts). */
  content: string;
  /** Seq of the message that a message answers, or that another entry belongs to. */
  target: number | null;
  /** `shown` of the {@link MirroredEvent} that it becomes. */
  shown: string | null;
  /** Id of the attachment in it. */
  file: string | null;
  /** The event's time in the log, ms. */
  at: number;
  /** When the entry was planned, ms. It was not sent before that. */
  plannedAt: number;
  /** Of a dead letter that is tried again: the event in Matrix that stands in its place, if there is one. */
  standIn?: string | null;
}

/** An event from Matrix. Its room may be none of the bridge's. */
interface ReceivedEvent {
  matrixRoomId: string;
  eventId: string;
  /** JSON text. */
  event: string;
}

export interface InboxEntry {
  eventId: string;
  event: string;
  failures: number;
  /** It waited for its target, which did not come. */
  isOverdue: boolean;
  /** It was a dead letter. */
  retried: boolean;
  /** Of a dead letter: the seq of the line in the chat that stands in its place. */
  standIn: number | null;
}

export interface BridgeQueues {
  /**
   * Stores events in this order, without those of other rooms.
   * @returns the events that are new, and how many were known
   */
  receive(
    events: readonly ReceivedEvent[],
  ): Promise<{ fresh: { roomId: number; eventId: string }[]; known: number }>;
  /** Events to apply, in the order of their arrival, without those that wait for another. */
  inbox(roomId: number, limit: number): Promise<InboxEntry[]>;
  /** One event to apply, unless it waits for another. */
  inboxEntry(eventId: string): Promise<InboxEntry | null>;
  /** Stores that an event from Matrix was applied. `mirrored`: the event of the log that it became. */
  applied(eventId: string, mirrored?: Omit<MirroredEvent, "eventId" | "redacted">): Promise<void>;
  /** Counts a failure to apply an event. @returns how many there are */
  failed(eventId: string): Promise<number>;
  /** The seqs of those messages that came from Matrix, so that they need not be sent there. */
  inMatrix(roomId: number, events: readonly { seq: number; id: string | null }[]): Promise<Set<number>>;
  /** Which of these Matrix events the bridge has sent or received. */
  knownEvents(eventIds: readonly string[]): Promise<Set<string>>;
  /** Deletes events that were applied longer ago than `keepMs`. */
  purgeInbox(keepMs: number): Promise<void>;

  /**
   * Writes outbox entries, unless entries of the same event are there already.
   * @returns all entries with a seq greater than `after`, in the order in which they are to be sent
   */
  plan(
    roomId: number,
    after: number,
    entries: readonly Omit<OutboxEntry, "plannedAt">[],
  ): Promise<OutboxEntry[]>;
  /** An entry that was not delivered yet. */
  outboxEntry(roomId: number, seq: number, op: string): Promise<OutboxEntry | null>;
  /** Changes content or sender of an entry; after a refusal with the next `rev`. */
  revise(
    roomId: number,
    entry: Pick<OutboxEntry, "seq" | "part">,
    change: Pick<OutboxEntry, "rev" | "sender" | "content">,
  ): Promise<void>;
  /**
   * Stores that an entry is in Matrix: adds the mapping, removes the entry, and after an event's last entry moves the
   * room's `mirrored` to it. Atomic. @returns `mirrored`
   */
  delivered(roomId: number, entry: OutboxEntry, eventId: string): Promise<number>;
  /** Removes an entry that will not be sent, and moves `mirrored` as {@link delivered} does. */
  dropped(roomId: number, entry: Pick<OutboxEntry, "seq" | "part">): Promise<void>;
}

export function createBridgeQueues(sql: StoreSql): BridgeQueues {
  return { ...createInbox(sql), ...createOutbox(sql) };
}

type Inbox = Pick<
  BridgeQueues,
  "receive" | "inbox" | "inboxEntry" | "applied" | "failed" | "inMatrix" | "knownEvents" | "purgeInbox"
>;

function createInbox(sql: StoreSql): Inbox {
  const entryColumns = sql.unsafe(
    `event_id as "eventId", event, failures, waits_for is not null as "isOverdue", retried, stand_in as "standIn"`,
  );
  const due = isDue(sql);

  return {
    async receive(events) {
      if (events.length === 0) return { fresh: [], known: 0 };
      const rooms = events.map(({ matrixRoomId }) => matrixRoomId);
      const ids = events.map(({ eventId }) => eventId);
      const texts = events.map(({ event }) => event);
      const rows = await sql<{ roomId: number; eventId: string; fresh: boolean }[]>`
        with given as materialized (
          select i.id, i.event, i.ord, c.id as conversation_id
          from unnest(${rooms}::text[], ${ids}::text[], ${texts}::text[]) with ordinality as i (room, id, event, ord)
          join conversations c on c.matrix_room_id = i.room
        ), fresh as (
          insert into bridge_inbox (event_id, conversation_id, event)
          select g.id, g.conversation_id, g.event from given g
          where not exists (select from bridge_events e where e.event_id = g.id)
            and not exists (select from bridge_former_events e where e.event_id = g.id)
          order by g.ord
          on conflict (event_id) do nothing returning event_id
        )
        select g.conversation_id as "roomId", g.id as "eventId", f.event_id is not null as fresh
        from given g left join fresh f on f.event_id = g.id`;
      const fresh = rows.filter((row) => row.fresh);
      return { fresh, known: rows.length - fresh.length };
    },
    async inbox(roomId, limit) {
      return await sql<InboxEntry[]>`
        select ${entryColumns} from bridge_inbox
        where conversation_id = ${roomId} and ${due} order by position limit ${limit}`;
    },
    async inboxEntry(eventId) {
      const [row] = await sql<InboxEntry[]>`
        select ${entryColumns} from bridge_inbox where event_id = ${eventId} and ${due}`;
      return row ?? null;
    },
    async applied(eventId, mirrored) {
      if (!mirrored) {
        await sql`
          with released as (${released(sql, eventId)})
          update bridge_inbox set done_at = causeway_now(), event = null, waits_for = null where event_id = ${eventId}`;
        return;
      }
      const { roomId, seq, op, sender, target, shown, file, at } = mirrored;
      await sql`
        with mapped as (
          insert into bridge_events (event_id, conversation_id, seq, op, sender, target, shown, file, at)
          values (${eventId}, ${roomId}, ${seq}, ${op}, ${sender}, ${target}, ${shown}, ${file}, ${at})
          on conflict do nothing
        ), released as (${released(sql, eventId)}), unplanned as (
          -- Its sender's client sent it again, and it waited to be carried over.
          delete from bridge_outbox where conversation_id = ${roomId} and seq = ${seq} and op = ${op}
        )
        update bridge_inbox set done_at = causeway_now(), event = null, waits_for = null where event_id = ${eventId}`;
    },
    async failed(eventId) {
      const [row] = await sql<{ failures: number }[]>`
        update bridge_inbox set failures = failures + 1 where event_id = ${eventId} returning failures`;
      return row?.failures ?? 0;
    },
    async inMatrix(roomId, events) {
      const seqs = events.map(({ seq }) => seq);
      const ids = events.map(({ id }) => id);
      const rows = await sql<{ seq: number }[]>`
        select k.seq from unnest(${seqs}::bigint[], ${ids}::text[]) as k (seq, id)
        where exists (
          select from bridge_events e where e.conversation_id = ${roomId} and e.seq = k.seq and e.op = 'message')
        or exists (
          select from bridge_inbox i
          where i.event_id = k.id and i.conversation_id = ${roomId} and i.done_at is null)
        or exists (
          -- The line in the place of a dead letter that is tried again.
          select from bridge_inbox i
          where i.conversation_id = ${roomId} and i.stand_in is not null and i.stand_in = k.seq)`;
      return new Set(rows.map(({ seq }) => seq));
    },
    async knownEvents(eventIds) {
      if (eventIds.length === 0) return new Set();
      const rows = await sql<{ id: string }[]>`
        select event_id as id from bridge_events where event_id = any (${eventIds}::text[])
        union
        select event_id from bridge_inbox where event_id = any (${eventIds}::text[])`;
      return new Set(rows.map(({ id }) => id));
    },
    async purgeInbox(keepMs) {
      await sql`delete from bridge_inbox where done_at < causeway_now() - ${keepMs}::bigint`;
    },
  };
}

type Outbox = Pick<BridgeQueues, "plan" | "outboxEntry" | "revise" | "delivered" | "dropped">;

function createOutbox(sql: StoreSql): Outbox {
  const entryColumns = sql.unsafe(
    `seq, part, op, rev, sender, sender_name as "senderName", content, target, shown, file, at, planned_at as "plannedAt",
     stand_in as "standIn"`,
  );
  /** Moves the room's cursor to the event of this entry, or before it while more entries of that event wait. */
  const moved = (roomId: number, { seq, part }: Pick<OutboxEntry, "seq" | "part">) => sql`
    mirrored_seq = greatest(mirrored_seq, ${seq}::bigint - (exists (
      select from bridge_outbox o
      where o.conversation_id = ${roomId} and o.seq = ${seq} and o.part > ${part}))::int), failures = 0`;

  async function waiting(roomId: number, after: number): Promise<OutboxEntry[]> {
    return await sql<OutboxEntry[]>`
      select ${entryColumns} from bridge_outbox
      where conversation_id = ${roomId} and seq > ${after} order by seq, part`;
  }

  return {
    async plan(roomId, after, entries) {
      const before = await waiting(roomId, after);
      const planned = new Set(before.map(({ seq }) => seq));
      const fresh = entries.filter(({ seq }) => !planned.has(seq));
      if (fresh.length === 0) return before;
      const rows = fresh.map(({ senderName, standIn: _none, ...entry }) => ({
        conversation_id: roomId,
        sender_name: senderName,
        ...entry,
      }));
      await sql`insert into bridge_outbox ${sql(rows)} on conflict do nothing`;
      return await waiting(roomId, after);
    },
    async outboxEntry(roomId, seq, op) {
      const [row] = await sql<OutboxEntry[]>`
        select ${entryColumns} from bridge_outbox
        where conversation_id = ${roomId} and seq = ${seq} and op = ${op}`;
      return row ?? null;
    },
    async revise(roomId, { seq, part }, { rev, sender, content }) {
      await sql`
        update bridge_outbox set rev = ${rev}, sender = ${sender}, content = ${content}
        where conversation_id = ${roomId} and seq = ${seq} and part = ${part}`;
    },
    async delivered(roomId, entry, eventId) {
      const { seq, part, op, sender, target, shown, file } = entry;
      const changed = op === "edit" || op === "redaction" ? target : null;
      const [row] = await sql<{ mirrored: number }[]>`
        with mapped as (
          insert into bridge_events (event_id, conversation_id, seq, op, sender, target, shown, file, at)
          values (${eventId}, ${roomId}, ${seq}, ${op}, ${sender}, ${op === "message" ? null : target}, ${shown},
                  ${file}, ${entry.at})
          on conflict do nothing
        ), released as (${released(sql, eventId)}), changed as (
          update bridge_events
          set shown = ${shown}::text, redacted = redacted or ${op === "redaction"}::boolean
          where conversation_id = ${roomId} and seq = ${changed} and op = 'message'
        ), sent as (
          delete from bridge_outbox where conversation_id = ${roomId} and seq = ${seq} and part = ${part}
        )
        update bridge_rooms set ${moved(roomId, entry)}
        where conversation_id = ${roomId} returning mirrored_seq as mirrored`;
      return row?.mirrored ?? seq;
    },
    async dropped(roomId, { seq, part }) {
      await sql`
        with gone as (
          delete from bridge_outbox where conversation_id = ${roomId} and seq = ${seq} and part = ${part}
        )
        update bridge_rooms set ${moved(roomId, { seq, part })}
        where conversation_id = ${roomId}`;
    },
  };
}
