/** Rooms with messages behind the markers of their members, for measuring what it costs to move a marker. Markers can be set back. */
import type postgres from "postgres";
import { withConnection } from "./postgres-backup.ts";

export interface MarkedRoom {
  id: number;
  /** Messages that are written for the markers to pass. */
  behind: number;
}

/** Of so many messages one is deleted, so that counting what is unread has something to leave out. */
const DELETED_EACH = 10;

/** The messages of a room that count as unread beyond the first. */
export function livingAfterFirst(behind: number): number {
  return behind - 1 - Math.floor(behind / DELETED_EACH);
}

/** Writes the messages. */
export async function markRooms(databaseUrl: string, rooms: readonly MarkedRoom[]): Promise<void> {
  await withConnection(databaseUrl, async (sql) => {
    await sql`
      create table marked_rooms as
      select h.conversation_id as id, h.head_seq as head, h.message_count as messages, r.behind
      from unnest(${rooms.map(({ id }) => id)}::bigint[], ${rooms.map(({ behind }) => behind)}::int[]) as r (id, behind)
      join room_heads h on h.conversation_id = r.id`;
    await writeMessages(sql);
    await sql.unsafe("analyze");
  });
}

async function writeMessages(sql: postgres.Sql): Promise<void> {
  await sql`
    with written as (
      insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, client_id, deleted, data)
      select r.id, r.head + n, r.messages + n, causeway_now(), 'message', 'g:bulk', 'Bulk', null, d.deleted,
             case when d.deleted then '{"text":"","deleted":true}' else '{"text":"A message"}' end
      from marked_rooms r
      cross join lateral generate_series(1, r.behind) n
      cross join lateral (select n % ${DELETED_EACH} = ${DELETED_EACH / 2} as deleted) d
      returning conversation_id, message_no, deleted
    ),
    withdrawn as (
      insert into withdrawn_messages (conversation_id, block, bits, n)
      select conversation_id, (message_no - 1) >> 10, bit_or(set_bit(0::bit(1024), ((message_no - 1) & 1023)::int, 1)), count(*)
      from written where deleted group by 1, 2
    )
    update room_heads h
    set head_seq = r.head + r.behind, message_count = r.messages + r.behind, last_message_seq = r.head + r.behind,
        last_activity = causeway_now(), withdrawn_no = coalesce(w.last, 0)
    from marked_rooms r
    left join (select conversation_id, max(message_no) as last from written where deleted group by 1) w on w.conversation_id = r.id
    where h.conversation_id = r.id`;
}

/** Sets the markers of all members before the messages again, and removes the rows that moving them left behind. */
export async function setMarkersBack(databaseUrl: string): Promise<void> {
  await withConnection(databaseUrl, async (sql) => {
    await sql`
      update memberships m set read_seq = r.head, read_messages = r.messages, delivered_seq = r.head
      from marked_rooms r where m.conversation_id = r.id`;
    await sql`delete from read_steps s using marked_rooms r where s.conversation_id = r.id`;
    await sql.unsafe("vacuum memberships, read_steps");
  });
}

/** Whether the server has put the words of all messages into its index: that works in the background, and takes its time. */
export async function areIndexed(databaseUrl: string): Promise<boolean> {
  return await withConnection(databaseUrl, async (sql) => {
    const [row] = await sql<[{ all: boolean }]>`
      select coalesce(bool_and(coalesce(w.seq, 0) >= r.head + r.behind), true) as all
      from marked_rooms r left join word_heads w on w.conversation_id = r.id`;
    return row.all;
  });
}
