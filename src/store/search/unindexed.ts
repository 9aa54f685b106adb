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
