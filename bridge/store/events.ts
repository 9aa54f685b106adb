/** The mapping between Matrix events and events of the log. */
import type { MemberKey } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

/** Kinds of outbox entries. A message's first file is `file:1`; `unreaction` removes a reaction. */
export type SentOp = "message" | "edit" | "redaction" | "reaction" | "unreaction" | `file:${number}`;
/** Kinds of mapped events. Those with `matrix_…` were made in Matrix and have the seq of their message. */
export type MirrorOp = SentOp | "matrix_edit" | "matrix_reaction";

export interface MirroredEvent {
  eventId: string;
  roomId: number;
  seq: number;
  op: MirrorOp;
  /** The sender's Matrix id. */
  sender: string;
  /** Seq of the message that an edit, reaction, redaction or file belongs to; null for messages. */
  target: number | null;
  /** Messages and edits: hash of the text that Matrix shows, null if unknown. Reactions: the key. */
  shown: string | null;
  /** Id of the attachment in it. */
  file: string | null;
  redacted: boolean;
  /** When it was sent, by the homeserver's clock or the log's, ms; null if unknown. */
  at: number | null;
}

/** The seq of the message of this room that a Matrix event shows. One that shows an edit or a file of a message stands for it. */
export function messageSeqIn(roomId: number, mirrored: MirroredEvent | null): number | null {
  return mirrored?.roomId === roomId ? (mirrored.target ?? mirrored.seq) : null;
}

export interface BridgeEvents {
  /** The Matrix event that stands for a message of the log. */
  mirroredMessage(roomId: number, seq: number): Promise<MirroredEvent | null>;
  /** The Matrix event of a thread's last answer before a seq, or null. */
  lastAnswer(roomId: number, thread: { root: number; before: number }): Promise<string | null>;
  /** The other Matrix events of a message: its edits, made here or in Matrix, and its files. */
  mirroredParts(roomId: number, seq: number): Promise<MirroredEvent[]>;
  /** The sender's reaction to a message with this key, unless it was redacted. There is one at most. */
  mirroredReaction(
    roomId: number,
    reaction: { target: number; sender: string; key: string },
  ): Promise<MirroredEvent | null>;
  /** What a Matrix event stands for, also one of an earlier run. */
  mirroredEvent(eventId: string): Promise<MirroredEvent | null>;
  /** Which of these reactions the chatroom has now, by their places in the list. */
  currentReactions(
    roomId: number,
    reactions: readonly { target: number; member: MemberKey; key: string }[],
  ): Promise<Set<number>>;
  /** Stores the hash of the text that Matrix shows for the message now. */
  putShown(roomId: number, seq: number, shown: string): Promise<void>;
  /** Stores that the event was redacted in Matrix. */
  putRedacted(eventId: string): Promise<void>;
  /**
   * Ids of Matrix events. `wanted`: of the message that is pinned in the chatroom, null without one and for one that is not in Matrix;
   * `shown`: that the bridge has pinned in Matrix.
   */
  pin(roomId: number): Promise<{ wanted: string | null; shown: string | null }>;
  /** Stores what is pinned in Matrix. */
  putPin(roomId: number, eventId: string | null): Promise<void>;
}

export function createBridgeEvents(sql: StoreSql): BridgeEvents {
  const columns = sql.unsafe(
    `event_id as "eventId", conversation_id as "roomId", seq, op, sender, target, shown, file, redacted, at`,
  );

  return {
    async mirroredMessage(roomId, seq) {
      const [row] = await sql<MirroredEvent[]>`
        select ${columns} from bridge_events
        where conversation_id = ${roomId} and seq = ${seq} and op = 'message'`;
      return row ?? null;
    },
    async lastAnswer(roomId, { root, before }) {
      const [row] = await sql<{ eventId: string }[]>`
        select b.event_id as "eventId" from thread_answers t
        join bridge_events b on b.conversation_id = t.conversation_id and b.seq = t.seq
        where t.conversation_id = ${roomId} and t.root = ${root} and t.seq < ${before}
          and b.op = 'message' and not b.redacted
        order by t.seq desc limit 1`;
      return row?.eventId ?? null;
    },
    async mirroredParts(roomId, seq) {
      return await sql<MirroredEvent[]>`
        select ${columns} from bridge_events
        where conversation_id = ${roomId} and target = ${seq}
          and (op in ('edit', 'matrix_edit') or op like 'file:%')
        order by seq, op`;
    },
    async mirroredReaction(roomId, { target, sender, key }) {
      const [row] = await sql<MirroredEvent[]>`
        select ${columns} from bridge_events
        where conversation_id = ${roomId} and target = ${target} and sender = ${sender} and shown = ${key}
          and op in ('reaction', 'matrix_reaction') and not redacted`;
      return row ?? null;
    },
    async mirroredEvent(eventId) {
      const [row] = await sql<MirroredEvent[]>`
        select ${columns} from bridge_events where event_id = ${eventId}
        union all
        select ${columns} from bridge_former_events where event_id = ${eventId} limit 1`;
      return row ?? null;
    },
    async currentReactions(roomId, reactions) {
      if (reactions.length === 0) return new Set();
      const targets = reactions.map(({ target }) => target);
      const members = reactions.map(({ member }) => member);
      const keys = reactions.map(({ key }) => key);
      const rows = await sql<{ place: number }[]>`
        select k.ord - 1 as place
        from unnest(${targets}::bigint[], ${members}::text[], ${keys}::text[]) with ordinality as k (seq, member, name, ord)
        join reactions r on r.conversation_id = ${roomId} and r.seq = k.seq
          and r.name = k.name collate "C" and r.member = k.member collate "C"`;
      return new Set(rows.map(({ place }) => place));
    },
    async putShown(roomId, seq, shown) {
      await sql`
        update bridge_events set shown = ${shown}
        where conversation_id = ${roomId} and seq = ${seq} and op = 'message'`;
    },
    async putRedacted(eventId) {
      await sql`
        update bridge_events set redacted = true,
               shown = case when op in ('message', 'edit', 'matrix_edit') then null else shown end
        where event_id = ${eventId}`;
    },
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
