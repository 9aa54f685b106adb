/** What is on its way to Matrix and from there, and which Matrix event stands for which event of the log. */
import type { StoreSql } from "./postgres.ts";

/** `matrix_edit` is an edit that came from Matrix; the others have their own seq in the log. */
type MirrorOp = "message" | "edit" | "redaction" | "matrix_edit";

export interface OutboxEntry {
  seq: number;
  op: Exclude<MirrorOp, "matrix_edit">;
  /** Grows when the content had to be changed after a refusal. */
  rev: number;
  /** Matrix id of who sends it. */
  sender: string;
  senderName: string;
  /** JSON of the content, without its relation. */
  content: string;
  /** Seq of the message that is answered, edited or deleted. */
  target: number | null;
  /** Hash of the text that Matrix shows once it is there. */
  shown: string | null;
  /** When it happened, ms. */
  at: number;
  /** When it was written here, ms: it was not sent before. */
  plannedAt: number;
}

export interface MirroredEvent {
  eventId: string;
  conversationId: number;
  seq: number;
  op: MirrorOp;
  /** Matrix id of who sent it. */
  sender: string;
  target: number | null;
  shown: string | null;
  redacted: boolean;
}

/** An event as it came, for a Matrix room that may be ours. */
interface ReceivedEvent {
  roomId: string;
  eventId: string;
  /** JSON text. */
  event: string;
}

export interface InboxEntry {
  eventId: string;
  event: string;
  failures: number;
}

export interface BridgeMail {
  /**
   * Stores what came, in this order. What is for no room of ours is left out.
   * @returns the events that are new, and how many were there before
   */
  receive(
    events: readonly ReceivedEvent[],
  ): Promise<{ fresh: { conversationId: number; eventId: string }[]; known: number }>;
  /** Events that wait to be applied, in the order of their arrival. */
  inbox(conversationId: number, limit: number): Promise<InboxEntry[]>;
  /** An event from Matrix was dealt with. `mirrored`: which event of the log it became. */
  applied(eventId: string, mirrored?: Omit<MirroredEvent, "eventId" | "redacted">): Promise<void>;
  /** Applying failed. @returns how often by now */
  failed(eventId: string): Promise<number>;
  /** Which of these ids of messages are Matrix events of the room: they came from there. */
  fromMatrix(conversationId: number, ids: readonly string[]): Promise<Set<string>>;
  /** Which of these Matrix events we have seen, sent or dealt with. */
  knownEvents(eventIds: readonly string[]): Promise<Set<string>>;
  /** Removes what was dealt with before `before`, ms. */
  purgeInbox(before: number): Promise<void>;

  /** Writes what will be sent; what was written before stays as it is. @returns all that is waiting from `after` on */
  plan(
    conversationId: number,
    after: number,
    entries: readonly Omit<OutboxEntry, "plannedAt">[],
  ): Promise<OutboxEntry[]>;
  /** One entry, while it waits. */
  outboxEntry(conversationId: number, seq: number): Promise<OutboxEntry | null>;
  /** Another content or sender under the next revision, after a refusal. */
  revise(
    conversationId: number,
    seq: number,
    change: Pick<OutboxEntry, "rev" | "sender" | "content">,
  ): Promise<void>;
  /** It is in Matrix: stores the mapping, removes the entry and moves the room's cursor, all at once. */
  delivered(conversationId: number, entry: OutboxEntry, eventId: string): Promise<void>;
  /** It will not be sent: removes the entry and moves the cursor. */
  dropped(conversationId: number, seq: number): Promise<void>;

  /** The Matrix event that stands for a message of the log. */
  mirroredMessage(conversationId: number, seq: number): Promise<MirroredEvent | null>;
  /** Edits of a message, wherever they were made. */
  mirroredEdits(conversationId: number, target: number): Promise<MirroredEvent[]>;
  mirroredEvent(eventId: string): Promise<MirroredEvent | null>;
  /** What Matrix shows of a message, from now on. */
  putShown(
    conversationId: number,
    seq: number,
    change: { shown: string } | { redacted: true },
  ): Promise<void>;
}

export function createBridgeMail(sql: StoreSql): BridgeMail {
  return { ...createInbox(sql), ...createOutbox(sql), ...createMapping(sql) };
}

type Inbox = Pick<
  BridgeMail,
  "receive" | "inbox" | "applied" | "failed" | "fromMatrix" | "knownEvents" | "purgeInbox"
>;

function createInbox(sql: StoreSql): Inbox {
  return {
    async receive(events) {
      if (events.length === 0) return { fresh: [], known: 0 };
      const rooms = events.map(({ roomId }) => roomId);
      const ids = events.map(({ eventId }) => eventId);
      const texts = events.map(({ event }) => event);
      const rows = await sql<{ conversationId: number; eventId: string; fresh: boolean }[]>`
        with given as materialized (
          select i.id, i.event, i.ord, c.id as conversation_id
          from unnest(${rooms}::text[], ${ids}::text[], ${texts}::text[]) with ordinality as i (room, id, event, ord)
          join conversations c on c.matrix_room_id = i.room
        ), fresh as (
          insert into bridge_inbox (event_id, conversation_id, event)
          select g.id, g.conversation_id, g.event from given g
          where not exists (select from bridge_events e where e.event_id = g.id)
          order by g.ord
          on conflict (event_id) do nothing returning event_id
        )
        select g.conversation_id as "conversationId", g.id as "eventId", f.event_id is not null as fresh
        from given g left join fresh f on f.event_id = g.id`;
      const fresh = rows.filter((row) => row.fresh);
      return { fresh, known: rows.length - fresh.length };
    },
    async inbox(conversationId, limit) {
      return await sql<InboxEntry[]>`
        select event_id as "eventId", event, failures from bridge_inbox
        where conversation_id = ${conversationId} and done_at is null order by position limit ${limit}`;
    },
    async applied(eventId, mirrored) {
      if (!mirrored) {
        await sql`
          update bridge_inbox set done_at = causeway_now(), event = null where event_id = ${eventId}`;
        return;
      }
      const { conversationId, seq, op, sender, target, shown } = mirrored;
      await sql`
        with mapped as (
          insert into bridge_events (event_id, conversation_id, seq, op, sender, target, shown)
          values (${eventId}, ${conversationId}, ${seq}, ${op}, ${sender}, ${target}, ${shown})
          on conflict do nothing
        )
        update bridge_inbox set done_at = causeway_now(), event = null where event_id = ${eventId}`;
    },
    async failed(eventId) {
      const [row] = await sql<{ failures: number }[]>`
        update bridge_inbox set failures = failures + 1 where event_id = ${eventId} returning failures`;
      return row?.failures ?? 0;
    },
    async fromMatrix(conversationId, ids) {
      if (ids.length === 0) return new Set();
      const rows = await sql<{ id: string }[]>`
        select event_id as id from bridge_events
        where event_id = any (${ids}::text[]) and conversation_id = ${conversationId}
        union
        select event_id from bridge_inbox
        where event_id = any (${ids}::text[]) and conversation_id = ${conversationId}`;
      return new Set(rows.map(({ id }) => id));
    },
    async knownEvents(eventIds) {
      if (eventIds.length === 0) return new Set();
      const rows = await sql<{ id: string }[]>`
        select event_id as id from bridge_events where event_id = any (${eventIds}::text[])
        union
        select event_id from bridge_inbox where event_id = any (${eventIds}::text[])`;
      return new Set(rows.map(({ id }) => id));
    },
    async purgeInbox(before) {
      await sql`delete from bridge_inbox where done_at < ${before}`;
    },
  };
}

type Outbox = Pick<BridgeMail, "plan" | "outboxEntry" | "revise" | "delivered" | "dropped">;

function createOutbox(sql: StoreSql): Outbox {
  const entryColumns = sql.unsafe(
    `seq, op, rev, sender, sender_name as "senderName", content, target, shown, at, planned_at as "plannedAt"`,
  );

  return {
    async plan(conversationId, after, entries) {
      if (entries.length > 0) {
        const rows = entries.map((entry) => ({
          conversation_id: conversationId,
          seq: entry.seq,
          op: entry.op,
          rev: entry.rev,
          sender: entry.sender,
          sender_name: entry.senderName,
          content: entry.content,
          target: entry.target,
          shown: entry.shown,
          at: entry.at,
        }));
        await sql`insert into bridge_outbox ${sql(rows)} on conflict do nothing`;
      }
      return await sql<OutboxEntry[]>`
        select ${entryColumns} from bridge_outbox
        where conversation_id = ${conversationId} and seq > ${after} order by seq`;
    },
    async outboxEntry(conversationId, seq) {
      const [row] = await sql<OutboxEntry[]>`
        select ${entryColumns} from bridge_outbox where conversation_id = ${conversationId} and seq = ${seq}`;
      return row ?? null;
    },
    async revise(conversationId, seq, { rev, sender, content }) {
      await sql`
        update bridge_outbox set rev = ${rev}, sender = ${sender}, content = ${content}
        where conversation_id = ${conversationId} and seq = ${seq}`;
    },
    async delivered(conversationId, { seq, op, sender, target, shown }, eventId) {
      const changed = op === "message" ? null : target;
      await sql`
        with mapped as (
          insert into bridge_events (event_id, conversation_id, seq, op, sender, target, shown)
          values (${eventId}, ${conversationId}, ${seq}, ${op}, ${sender}, ${changed}, ${shown})
          on conflict do nothing
        ), changed as (
          update bridge_events
          set shown = coalesce(${shown}::text, shown), redacted = redacted or ${op === "redaction"}::boolean
          where conversation_id = ${conversationId} and seq = ${changed} and op = 'message'
        ), sent as (
          delete from bridge_outbox where conversation_id = ${conversationId} and seq = ${seq}
        )
        update bridge_rooms set mirrored_seq = greatest(mirrored_seq, ${seq}::bigint), failures = 0
        where conversation_id = ${conversationId}`;
    },
    async dropped(conversationId, seq) {
      await sql`
        with gone as (delete from bridge_outbox where conversation_id = ${conversationId} and seq = ${seq})
        update bridge_rooms set mirrored_seq = greatest(mirrored_seq, ${seq}::bigint), failures = 0
        where conversation_id = ${conversationId}`;
    },
  };
}

type Mapping = Pick<BridgeMail, "mirroredMessage" | "mirroredEdits" | "mirroredEvent" | "putShown">;

function createMapping(sql: StoreSql): Mapping {
  const eventColumns = sql.unsafe(
    `event_id as "eventId", conversation_id as "conversationId", seq, op, sender, target, shown, redacted`,
  );

  return {
    async mirroredMessage(conversationId, seq) {
      const [row] = await sql<MirroredEvent[]>`
        select ${eventColumns} from bridge_events
        where conversation_id = ${conversationId} and seq = ${seq} and op = 'message'`;
      return row ?? null;
    },
    async mirroredEdits(conversationId, target) {
      return await sql<MirroredEvent[]>`
        select ${eventColumns} from bridge_events
        where conversation_id = ${conversationId} and target = ${target} and op in ('edit', 'matrix_edit')`;
    },
    async mirroredEvent(eventId) {
      const [row] = await sql<MirroredEvent[]>`
        select ${eventColumns} from bridge_events where event_id = ${eventId}`;
      return row ?? null;
    },
    async putShown(conversationId, seq, change) {
      const shown = "shown" in change ? change.shown : null;
      await sql`
        update bridge_events set shown = coalesce(${shown}::text, shown), redacted = redacted or ${shown === null}::boolean
        where conversation_id = ${conversationId} and seq = ${seq} and op = 'message'`;
    },
  };
}
