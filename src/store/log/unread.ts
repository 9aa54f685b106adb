/** Counts unread messages and unread mentions: those after the read marker that were neither deleted nor hidden. */
import type { MemberKey } from "../../domain/model.ts";
import type { RoomLog, UnreadState } from "../../domain/ports/store/log.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";
import { isShownTo } from "./message-rows.ts";

/** Unread messages for a membership `m` of the room `h` (room_heads): a subtraction, unless some were deleted or hidden. */
export function unreadMessages(sql: Sql): Statement<Row[]> {
  return sql<Row[]>`
    h.message_count - m.read_messages - case when h.withdrawn_no > m.read_messages
      then causeway_withdrawn_after(h.conversation_id, m.read_messages) else 0 end
    - case when m.hidden_no > 0 then causeway_hidden_after(h.conversation_id, m.member, m.read_seq) else 0 end`;
}

/** The seq of the last message that the member of `m` sees of the room `h`: the room's last one, unless the member hid some. */
export function lastMessage(sql: Sql): Statement<Row[]> {
  return sql<Row[]>`
    case when m.hidden_no > 0
      then causeway_last_shown(m.conversation_id, m.member, h.last_message_seq, m.history_from)
      else h.last_message_seq end`;
}

/** Unread mentions for a membership `m`, without those of messages that the member hid. @param after where the marker is */
export function unreadMentions(sql: Sql, after: Fragment, m = "m"): Statement<Row[]> {
  const whose = sql.unsafe(`t.conversation_id = ${m}.conversation_id and t.member in (${m}.member, '*')`);
  return sql<Row[]>`
    select count(*) as mentions from mentions t where ${whose} and t.seq > ${after} and ${isShownTo(sql, "t", m)}`;
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
      cross join lateral (${unreadMentions(sql, sql.unsafe("m.read_seq"))}) n
      where m.conversation_id = ${roomId} and m.member = any (${[...members]}::text[])`);
  };
}
