/** Who has a message, and who has read it: told by the members' two markers. */
import { actorOf, type MemberKey } from "../../domain/model.ts";
import {
  RECEIPT_MEMBERS,
  type ReceiptCounts,
  type ReceiptMarkers,
  type ReceiptStore,
} from "../../domain/ports/store/receipts.ts";
import { isContact } from "../accounts/known-people.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";

interface MarkerRow {
  member: MemberKey;
  name: string;
  delivered: number;
  delivered_at: number;
  read: number;
  read_at: number;
}

export function createReceipts(db: Database): ReceiptStore["of"] {
  const { sql } = db;
  return async (roomId, seq, who) => {
    const reached = reachedBy(sql, roomId, seq, who);
    const rows = await db.read(sql<MarkerRow[]>`
      select * from (${reached}) r order by r.read_at, r.member limit ${RECEIPT_MEMBERS + 1}`);
    if (rows.length <= RECEIPT_MEMBERS) return listed(rows, seq);
    const [counts] = await db.read(sql<ReceiptCounts[]>`
      select count(*) as members, count(*) filter (where r.delivered >= ${seq}) as delivered,
             count(*) filter (where r.read >= ${seq}) as read
      from (${reached}) r`);
    return { counts: counts as ReceiptCounts, markers: null };
  };
}

/**
 * The members who were there when the message was sent. A marker that stands since a time that is not known stands there
 * since the message at the earliest.
 */
function reachedBy(
  sql: Sql,
  roomId: number,
  seq: number,
  { author, viewer }: Parameters<ReceiptStore["of"]>[2],
): Statement<Row[]> {
  const told = sql<never[]>`(
    m.receipts_for = 'everybody' or m.user_id = ${viewer}::bigint
    or m.receipts_for = 'contacts' and ${isContact(sql, "m.user_id", sql<never[]>`${viewer}::bigint`)})`;
  return sql<Row[]>`
    select m.member, m.name, case when ${told} then m.read_seq else 0 end as read, greatest(m.read_at, e.at) as read_at,
           case when ${told} then greatest(m.delivered_seq, m.read_seq) else 0 end as delivered,
           greatest(case when m.delivered_seq > m.read_seq then m.delivered_at else m.read_at end, e.at) as delivered_at
    from events e
    join memberships m on m.conversation_id = e.conversation_id and m.member <> ${author}
                      and m.joined_seq < e.seq and m.history_from < e.seq
    where e.conversation_id = ${roomId} and e.seq = ${seq}`;
}

function listed(
  rows: readonly MarkerRow[],
  seq: number,
): { counts: ReceiptCounts; markers: ReceiptMarkers[] } {
  const markers = rows
    .filter(({ delivered }) => delivered >= seq)
    .map(({ member, name, ...row }) => ({
      actor: actorOf(member, name),
      delivered: { seq: row.delivered, at: row.delivered_at },
      read: { seq: row.read, at: row.read_at },
    }));
  const read = markers.filter((one) => one.read.seq >= seq).length;
  return { counts: { members: rows.length, delivered: markers.length, read }, markers };
}
