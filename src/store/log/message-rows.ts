/** Places of messages as parameters of queries, and the rows of attachments and reactions. */
import type { MessagePlace } from "../../domain/ids.ts";
import { type Attachment, actorOf } from "../../domain/model.ts";
import type { StoredAttachment, StoredReaction, Visible } from "../../domain/ports/store/messages.ts";
import type { Row } from "../sql/rows.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";

/** Rows of (room, history_from, hidden_by). */
export function visibleRooms(sql: Sql, rooms: readonly Visible[]): Statement<Row[]> {
  return sql<Row[]>`unnest(${rooms.map(({ roomId }) => roomId)}::bigint[],
    ${rooms.map(({ historyFrom }) => historyFrom)}::bigint[],
    ${rooms.map(({ hiddenBy }) => hiddenBy ?? null)}::text[])`;
}

/**
 * Whether a member has not hidden a message for themselves. Wherever it is asked of many rows, ask before whether the member
 * has hidden anything (`memberships.hidden_no`, or {@link Visible}).
 * @param row the alias of a row with the message's `conversation_id` and `seq`
 * @param member the member's key, an expression
 */
export function isNotHidden(sql: Sql, row: string, member: unknown): Statement<Row[]> {
  const place = sql.unsafe(`x.conversation_id = ${row}.conversation_id and x.seq = ${row}.seq`);
  return sql<Row[]>`not exists (
    select from hidden_messages x where ${place} and x.member = ${member} collate "C")`;
}

/** {@link isNotHidden} for the reader of a row `w` of {@link visibleRooms}. */
export function isVisible(sql: Sql, row: string): Statement<Row[]> {
  return sql<Row[]>`(w.hidden_by is null or ${isNotHidden(sql, row, sql.unsafe("w.hidden_by"))})`;
}

/** {@link isNotHidden} for the member of a membership `m`. */
export function isShownTo(sql: Sql, row: string, m = "m"): Statement<Row[]> {
  return sql<Row[]>`(${sql.unsafe(m)}.hidden_no = 0 or ${isNotHidden(sql, row, sql.unsafe(`${m}.member`))})`;
}

/** Rows of (room, seq). */
export function placeList(sql: Sql, places: readonly MessagePlace[]): Statement<Row[]> {
  return sql<Row[]>`unnest(${places.map(({ roomId }) => roomId)}::bigint[],
    ${places.map(({ seq }) => seq)}::bigint[])`;
}

export interface AttachmentRow {
  id: string;
  owner: string;
  filename: string;
  type: string;
  size: number;
  created_at: number;
  conversation_id: number | null;
  seq: number | null;
  /** The room's token. */
  room: string | null;
  content: string;
}

/** The select list of an attachment `a`. */
export function attachmentList(sql: Sql): Fragment {
  return sql.unsafe(
    "a.id, a.owner, a.filename, a.type, a.size, a.created_at, a.conversation_id, a.seq, " +
      "(select c.token from conversations c where c.id = a.conversation_id) as room, coalesce(a.content, a.id) as content",
  );
}

export function readAttachment({ id, filename, type, size, created_at }: AttachmentRow): Attachment {
  return { id, filename, type, size, createdAt: created_at };
}

export function readStored(row: AttachmentRow): StoredAttachment {
  const { conversation_id, seq, room, owner, content } = row;
  const place = conversation_id === null || seq === null ? null : { roomId: conversation_id, seq };
  return { ...readAttachment(row), owner, place, room, content };
}

interface ReactionRow {
  conversation_id: number;
  seq: number;
  name: string;
  member: string;
  actor_name: string;
  handle: string | null;
}

/** The reactions to messages in the order they came, for reads inside and outside of transactions. */
export function reactionsQuery(sql: Sql, places: readonly MessagePlace[]): Statement<ReactionRow[]> {
  return sql<ReactionRow[]>`
    select r.conversation_id, r.seq, r.name, r.member, r.actor_name, u.handle
    from ${placeList(sql, places)} as k (room, seq)
    join reactions r on r.conversation_id = k.room and r.seq = k.seq
    left join users u on u.id = case when r.member like 'u:%' then substr(r.member, 3)::bigint end and u.deleted_at is null
    order by r.conversation_id, r.seq, r.at, r.name, r.member`;
}

export function readReaction({ name, member, actor_name, handle }: ReactionRow): StoredReaction {
  return { name, actor: actorOf(member, actor_name), handle };
}
