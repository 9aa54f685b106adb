/** Counts unread messages and unread mentions: those after the read marker that were not deleted. */
import type { MemberKey } from "../../domain/model.ts";
import type { RoomLog, UnreadState } from "../../domain/ports/store/log.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";

/** Unread messages for a membership `m` of the room `h` (room_heads): a subtraction, unless some messages were deleted. */
export function unreadMessages(sql: Sql): Statement<Row[]> {
  return sql<Row[]>`
    h.message_count - m.read_messages - case when h.withdrawn_no > m.read_messages
      then causeway_withdrawn_after(h.conversation_id, m.read_messages) else 0 end`;
}

/** See `RoomLog.unread`. */
export function createUnread(db: Database): RoomLog["unread"] {
  const { sql } = db;
  return async (roomId: number, members: readonly MemberKey[]) => {
    if (members.length === 0) return [];
    return await db.read(sql<UnreadState[]>`
      select m.member, h.head_seq as head, m.read_seq as read, ${unreadMessages(sql)} as unread, n.mentions
      from memberships m
      join room_heads h on h.conversation_id = m.conversation_id
      cross join lateral (
        select count(*) as mentions from mentions t
        where t.conversation_id = m.conversation_id and t.member in (m.member, '*') and t.seq > m.read_seq
      ) n
      where m.conversation_id = ${roomId} and m.member = any (${[...members]}::text[])`);
  };
}
