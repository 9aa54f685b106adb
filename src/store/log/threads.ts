/** Threads: what a member sees of them, and how far the member has read in them. */
import type { ThreadSummary } from "../../domain/model.ts";
import {
  THREAD_UNREAD_MOST,
  type ThreadReadState,
  type ThreadStore,
} from "../../domain/ports/store/threads.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";
import { isShownTo } from "./message-rows.ts";

export function createThreads(db: Database): ThreadStore {
  const { sql } = db;
  return {
    async between(roomId, member, first, last) {
      return await db.read(sql<(ThreadSummary & { root: number })[]>`
        select t.root, t.answers - own.hidden as count, coalesce(own.last_seq, t.last_seq) as "lastSeq",
               coalesce(own.last_at, t.last_at) as "lastAt",
               ${unreadAnswers(sql, sql.unsafe("greatest(m.read_seq, r.read_seq)"))} as unread
        from threads t
        join memberships m on m.conversation_id = t.conversation_id and m.member = ${member}
        left join thread_reads r
          on r.conversation_id = t.conversation_id and r.member = m.member and r.root = t.root
        cross join lateral (${withoutHidden(sql)}) own
        where t.conversation_id = ${roomId} and t.root between ${first} and ${last} and t.answers > own.hidden
        order by t.root`);
    },
    async exists(roomId, root) {
      const [row] = await db.read(sql`
        select root from threads where conversation_id = ${roomId} and root = ${root}`);
      return row !== undefined;
    },
    async markRead(member, roomId, { root, seq }) {
      const [row] = await sql<(ThreadReadState & { past_head: boolean })[]>`
        with t as materialized (
          select m.conversation_id, m.member, m.hidden_no, ${root}::bigint as root, ${seq}::bigint as seq, ${seq}::bigint > h.head_seq as past_head,
                 greatest(m.read_seq, r.read_seq) as before
          from memberships m
          join room_heads h on h.conversation_id = m.conversation_id
          left join thread_reads r
            on r.conversation_id = m.conversation_id and r.member = m.member and r.root = ${root}
          where m.conversation_id = ${roomId} and m.member = ${member}
        ),
        moved as (
          insert into thread_reads as r (conversation_id, member, root, read_seq)
          select t.conversation_id, t.member, t.root, t.seq from t where not t.past_head and t.seq > t.before
            and exists (select from threads k where k.conversation_id = t.conversation_id and k.root = t.root)
          on conflict (conversation_id, member, root) do update set read_seq = greatest(r.read_seq, excluded.read_seq)
        )
        select t.past_head, greatest(t.before, t.seq) as read, t.seq > t.before as moved,
               ${unreadAnswers(sql, sql.unsafe("greatest(t.before, t.seq)"), "t")} as unread
        from t`;
      if (!row) return null;
      const { past_head, ...state } = row;
      return past_head ? "past_head" : state;
    },
  };
}

/** How many answers of a thread `t` the member `m` has hidden, and the last one that is left where they hid something in the room. */
function withoutHidden(sql: Sql): Statement<Row[]> {
  return sql<Row[]>`
    select coalesce(h.n, 0) as hidden, l.seq as last_seq, l.at as last_at
    from (select) one
    left join lateral (
      select count(*) as n from hidden_messages x
      join thread_answers a on a.conversation_id = x.conversation_id and a.root = t.root and a.seq = x.seq
      where x.conversation_id = t.conversation_id and x.member = m.member
    ) h on m.hidden_no > 0
    left join lateral (
      select a.seq, e.at from thread_answers a
      join events e on e.conversation_id = a.conversation_id and e.seq = a.seq
      where a.conversation_id = t.conversation_id and a.root = t.root and ${isShownTo(sql, "a")}
      order by a.seq desc limit 1
    ) l on m.hidden_no > 0`;
}

/** The answers of a thread `t` after a seq, without those of the member `m`. */
function unreadAnswers(sql: Sql, after: Fragment, member: "m" | "t" = "m"): Statement<Row[]> {
  return sql<Row[]>`(
    select count(*) from (
      select from thread_answers a
      where a.conversation_id = t.conversation_id and a.root = t.root and a.seq > ${after}
        and a.author <> ${sql.unsafe(member)}.member and ${isShownTo(sql, "a", member)}
      limit ${THREAD_UNREAD_MOST}::int
    ) a)`;
}

/** Takes a deleted answer out of its thread. The transaction holds the lock of the room. */
export async function leaveThread(
  { sql }: TransactionScope,
  { roomId, seq, root }: { roomId: number; seq: number; root: number },
): Promise<void> {
  const gone = await sql`
    delete from thread_answers where conversation_id = ${roomId} and root = ${root} and seq = ${seq} returning seq`;
  if (gone.length === 0) return;
  await sql`
    with last as (
      select a.seq, e.at from thread_answers a
      join events e on e.conversation_id = a.conversation_id and e.seq = a.seq
      where a.conversation_id = ${roomId} and a.root = ${root} order by a.seq desc limit 1
    ),
    ended as (
      delete from threads where conversation_id = ${roomId} and root = ${root} and not exists (select from last)
    )
    update threads set answers = answers - 1, last_seq = last.seq, last_at = last.at
    from last where conversation_id = ${roomId} and root = ${root}`;
}

/** Removes the threads of a room whose log is removed. */
export async function forgetThreads(sql: Sql, roomId: number): Promise<void> {
  await sql`
    with answers as (delete from thread_answers where conversation_id = ${roomId}),
         reads as (delete from thread_reads where conversation_id = ${roomId})
    delete from threads where conversation_id = ${roomId}`;
}
