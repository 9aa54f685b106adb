/**
 * Messages by the million, written straight into the database of a server: rooms of very different sizes, and texts whose
 * words are as rare and as common as in a language (the k-th word comes in proportion to 1/k).
 */
import type postgres from "postgres";
import { withConnection } from "./postgres-backup.ts";

export interface BulkPlan {
  messages: number;
  rooms: number;
  /** Who is in how many of the rooms. */
  readers: readonly { userId: number; rooms: number }[];
}

const VOCABULARY = 50_000;
const WORDS = 11;
const DAYS = 30;

/** A word of the vocabulary, 1 being the commonest. */
export function bulkWord(rank: number): string {
  return `w${rank}x`;
}

/** Fills the database, which the server goes on using, and updates the planner's statistics. */
export async function fillBulk(databaseUrl: string, plan: BulkPlan): Promise<void> {
  await withConnection(databaseUrl, async (sql) => {
    await sql`
      create table bulk_rooms as
      with made as (
        insert into conversations (token, public_id, type, name, name_key, automation_enabled, history, created_by)
        select 'bulk' || lpad(n::text, 6, '0'), 'bulk' || lpad(n::text, 12, '0'), 'group', 'Bulk ' || n, 'bulk ' || n, false,
               'shared', 's:causeway'
        from generate_series(1, ${plan.rooms}::int) n
        returning id, token
      )
      select row_number() over (order by id) as n, id, token from made`;
    await writeEvents(sql, plan);
    await sql`
      insert into room_heads (conversation_id, token, head_seq, message_count, last_activity, last_message_seq)
      select r.id, r.token, coalesce(e.head, 0), coalesce(e.head, 0), coalesce(e.at, causeway_now()), coalesce(e.head, 0)
      from bulk_rooms r
      left join (select conversation_id, max(seq) as head, max(at) as at from events group by 1) e on e.conversation_id = r.id`;
    for (const reader of plan.readers) await addReader(sql, reader);
    await sql`drop table bulk_rooms`;
    await sql.unsafe("analyze");
  });
}

/** The last thirty days, evenly. */
async function writeEvents(sql: postgres.Sql, { messages, rooms }: BulkPlan): Promise<void> {
  await sql`
    insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, client_id, data)
    select r.id, m.seq, m.seq, causeway_now() - (${messages}::bigint - m.n) * ${DAYS * 86_400_000}::bigint / ${messages}::bigint,
           'message', 'g:bulk', 'Bulk', null, json_build_object('text', m.text)::text
    from (
      select n, room, text, row_number() over (partition by room order by n) as seq
      from (
        select n::bigint as n, 1 + floor(exp(random() * ln(${rooms}::int)))::bigint as room,
               (select string_agg('w' || floor(exp(random() * ln(${VOCABULARY}::int)))::int || 'x', ' ')
                from generate_series(1, ${WORDS}::int) w where n > 0) as text
        from generate_series(1, ${messages}::int) n
      ) drawn
    ) m
    join bulk_rooms r on r.n = least(m.room, ${rooms}::bigint)`;
}

/** Rooms of all sizes alike; everything in them was read. */
async function addReader(
  sql: postgres.Sql,
  { userId, rooms }: { userId: number; rooms: number },
): Promise<void> {
  await sql`
    insert into memberships (
      conversation_id, member, user_id, name, role, joined_seq, history_from, read_seq, read_messages)
    select r.id, ${`u:${userId}`}, ${userId}, 'Reader', 'user', 0, 0, h.head_seq, h.message_count
    from (select * from bulk_rooms order by md5(n::text) limit ${rooms}) r
    join room_heads h on h.conversation_id = r.id`;
}

/** How many of the log's events the index of words knows. */
export async function indexedEvents(databaseUrl: string): Promise<number> {
  return await withConnection(databaseUrl, async (sql) => {
    const [row] = await sql<[{ n: number }]>`select coalesce(sum(seq), 0)::int as n from word_heads`;
    return row.n;
  });
}
