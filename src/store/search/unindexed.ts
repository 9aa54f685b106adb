/** What the index of words does not know yet: messages that the log's events after a seq wrote, edited or deleted. */
import type { Sql, Statement } from "../sql/sql.ts";

/** A stretch of a room's log. */
export interface LogPart {
  roomId: number;
  /** Exclusive. */
  after: number;
  upTo: number;
}

export interface TouchedRow {
  conversation_id: number;
  seq: number;
}

/** An event that wrote, edited or deleted a message. */
export interface TouchingRow {
  roomId: number;
  seq: number;
  message: number;
}

/** The messages that these parts of the log touched, of each part those of the newest events. */
export function touchedMessages(
  sql: Sql,
  parts: readonly LogPart[],
  eventsEach: number,
): Statement<TouchedRow[]> {
  return sql<TouchedRow[]>`
    select distinct w.room as conversation_id, e.message as seq
    from unnest(${parts.map(({ roomId }) => roomId)}::bigint[],
                ${parts.map(({ after }) => after)}::bigint[],
                ${parts.map(({ upTo }) => upTo)}::bigint[]) as w (room, after, up_to)
    cross join lateral (
      select case e.type when 'message' then e.seq else (e.data::json ->> 'seq')::bigint end as message
      from events e
      where e.conversation_id = w.room and e.seq > w.after and e.seq <= w.up_to
        and e.type in ('message', 'message.edited', 'message.deleted')
      order by e.seq desc limit ${eventsEach}
    ) e`;
}

/** The first events of these parts that touched a message, part after part, in the order of the log. */
export function touchingEvents(sql: Sql, parts: readonly LogPart[], most: number): Statement<TouchingRow[]> {
  return sql<TouchingRow[]>`
    select w.room as "roomId", e.seq,
           case e.type when 'message' then e.seq else (e.data::json ->> 'seq')::bigint end as message
    from unnest(${parts.map(({ roomId }) => roomId)}::bigint[],
                ${parts.map(({ after }) => after)}::bigint[],
                ${parts.map(({ upTo }) => upTo)}::bigint[]) with ordinality as w (room, after, up_to, n)
    join events e on e.conversation_id = w.room and e.seq > w.after and e.seq <= w.up_to
      and e.type in ('message', 'message.edited', 'message.deleted')
    order by w.n, e.seq limit ${most}`;
}
