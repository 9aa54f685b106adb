/** Which Matrix event stands for which event of the log. */
import type { MemberKey } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

/** What is sent to Matrix. Of a message's files the first is `file:1`; a reaction is taken back by an `unreaction`. */
export type SentOp = "message" | "edit" | "redaction" | "reaction" | "unreaction" | `file:${number}`;
/** `matrix_…` came from there; the others have their own seq in the log. */
export type MirrorOp = SentOp | "matrix_edit" | "matrix_reaction";

export interface MirroredEvent {
  eventId: string;
  conversationId: number;
  seq: number;
  op: MirrorOp;
  /** Matrix id of who sent it. */
  sender: string;
  /** Seq of the message that it is about, or belongs to; null for messages. */
  target: number | null;
  /** Of messages and edits the hash of the text that Matrix shows, of reactions the key. */
  shown: string | null;
  /** Id of the attachment that it carries. */
  file: string | null;
  redacted: boolean;
}

export interface BridgeEvents {
  /** The Matrix event that stands for a message of the log. */
  mirroredMessage(conversationId: number, seq: number): Promise<MirroredEvent | null>;
  /** What Matrix has of a message beside its own event: edits, wherever they were made, and files. */
  mirroredParts(conversationId: number, seq: number): Promise<MirroredEvent[]>;
  /** The reaction to a message with this key, of this sender, that stands in Matrix; there is one at most. */
  mirroredReaction(
    conversationId: number,
    reaction: { target: number; sender: string; key: string },
  ): Promise<MirroredEvent | null>;
  mirroredEvent(eventId: string): Promise<MirroredEvent | null>;
  /** Which of these reactions, by their places in the list, stand in the chat now. */
  currentReactions(
    conversationId: number,
    reactions: readonly { target: number; member: MemberKey; key: string }[],
  ): Promise<Set<number>>;
  /** Matrix shows this text of the message from now on. */
  putShown(conversationId: number, seq: number, shown: string): Promise<void>;
  /** Matrix shows the event no longer. */
  putRedacted(eventId: string): Promise<void>;
}

export function createBridgeEvents(sql: StoreSql): BridgeEvents {
  const columns = sql.unsafe(
    `event_id as "eventId", conversation_id as "conversationId", seq, op, sender, target, shown, file, redacted`,
  );

  return {
    async mirroredMessage(conversationId, seq) {
      const [row] = await sql<MirroredEvent[]>`
        select ${columns} from bridge_events
        where conversation_id = ${conversationId} and seq = ${seq} and op = 'message'`;
      return row ?? null;
    },
    async mirroredParts(conversationId, seq) {
      return await sql<MirroredEvent[]>`
        select ${columns} from bridge_events
        where conversation_id = ${conversationId} and target = ${seq}
          and (op in ('edit', 'matrix_edit') or op like 'file:%')
        order by seq, op`;
    },
    async mirroredReaction(conversationId, { target, sender, key }) {
      const [row] = await sql<MirroredEvent[]>`
        select ${columns} from bridge_events
        where conversation_id = ${conversationId} and target = ${target} and sender = ${sender} and shown = ${key}
          and op in ('reaction', 'matrix_reaction') and not redacted`;
      return row ?? null;
    },
    async mirroredEvent(eventId) {
      const [row] = await sql<MirroredEvent[]>`
        select ${columns} from bridge_events where event_id = ${eventId}`;
      return row ?? null;
    },
    async currentReactions(conversationId, reactions) {
      if (reactions.length === 0) return new Set();
      const targets = reactions.map(({ target }) => target);
      const members = reactions.map(({ member }) => member);
      const keys = reactions.map(({ key }) => key);
      const rows = await sql<{ place: number }[]>`
        select k.ord - 1 as place
        from unnest(${targets}::bigint[], ${members}::text[], ${keys}::text[]) with ordinality as k (seq, member, name, ord)
        join reactions r on r.conversation_id = ${conversationId} and r.seq = k.seq
          and r.name = k.name collate "C" and r.member = k.member collate "C"`;
      return new Set(rows.map(({ place }) => place));
    },
    async putShown(conversationId, seq, shown) {
      await sql`
        update bridge_events set shown = ${shown}
        where conversation_id = ${conversationId} and seq = ${seq} and op = 'message'`;
    },
    async putRedacted(eventId) {
      await sql`
        update bridge_events set redacted = true,
               shown = case when op in ('message', 'edit', 'matrix_edit') then null else shown end
        where event_id = ${eventId}`;
    },
  };
}
