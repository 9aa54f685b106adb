/** Checks of a restored database, one statement each. */
import type { Sql } from "../sql/sql.ts";

export interface Check {
  /** Says what has to be true. */
  claim: string;
  /** Finds violations: the number of all, and descriptions of {@link MAX_EXAMPLES}. */
  violations(): Promise<{ total: number; examples: string[] }>;
}

interface Violation {
  what: string;
  total: number;
}

const MAX_EXAMPLES = 5;

/** Claims that have to be true of the store, each with the query that finds its violations. */
const CLAIMS: Record<string, string> = {
  "every room's log goes from 1 to its head without a gap": `
    select format('room %s: head %s, %s events, the last %s', h.token, h.head_seq, e.n, e.last) as what
    from room_heads h
    cross join lateral (
      select count(*) as n, coalesce(max(seq), 0) as last from events where conversation_id = h.conversation_id
    ) e
    where e.last <> h.head_seq or e.n <> h.head_seq`,
  "every room's count of messages, last message and last time are those of its log": `
    select format('room %s: %s messages counted, %s in the log', h.token, h.message_count, e.n) as what
    from room_heads h
    cross join lateral (
      select count(*) filter (where type = 'message') as n,
             coalesce(max(seq) filter (where type = 'message' and not deleted), 0) as last, max(at) as at
      from events where conversation_id = h.conversation_id
    ) e
    where e.n <> h.message_count or e.last <> h.last_message_seq or (h.head_seq > 0 and e.at <> h.last_activity)`,
  "every room's count of deleted messages is that of its log": `
    select format('room %s: %s deleted messages counted, %s in the log', h.token, coalesce(w.n, 0), coalesce(e.n, 0)) as what
    from room_heads h
    left join (select conversation_id, sum(n) as n from withdrawn_messages group by 1) w
      on w.conversation_id = h.conversation_id
    left join (select conversation_id, count(*) as n from events where deleted group by 1) e
      on e.conversation_id = h.conversation_id
    where coalesce(w.n, 0) <> coalesce(e.n, 0)`,
  "no read marker is beyond its room's head": `
    select format('room %s: %s read up to %s of %s', h.token, m.member, m.read_seq, h.head_seq) as what
    from memberships m join room_heads h on h.conversation_id = m.conversation_id
    where m.read_seq > h.head_seq or m.read_messages > h.message_count`,
  "every room has a head, and every member a room": `
    select format('room %s has no head', c.token) as what
    from conversations c left join room_heads h on h.conversation_id = c.id where h.conversation_id is null
    union all
    select format('%s is a member of room %s, which is not there', m.member, m.conversation_id)
    from memberships m left join conversations c on c.id = m.conversation_id where c.id is null`,
  "every event belongs to a room": `
    select format('events of room %s, which is not there', e.conversation_id) as what
    from (select distinct conversation_id from events) e
    left join room_heads h on h.conversation_id = e.conversation_id
    left join deleted_rooms d on d.conversation_id = e.conversation_id
    where h.conversation_id is null and d.conversation_id is null`,
  "search knows no room further than its log": `
    select format('room %s: the head is %s, and words are indexed up to %s', h.token, h.head_seq, w.seq) as what
    from word_heads w join room_heads h on h.conversation_id = w.conversation_id
    where w.seq > h.head_seq`,
};

export function storeChecks(sql: Sql): Check[] {
  return Object.entries(CLAIMS).map(([claim, violations]) => ({
    claim,
    async violations() {
      const rows = await sql<Violation[]>`
        select f.what, (count(*) over ())::int as total from (${sql.unsafe(violations)}) f limit ${MAX_EXAMPLES}`;
      return { total: rows[0]?.total ?? 0, examples: rows.map(({ what }) => what) };
    },
  }));
}

export interface ExpectedFile {
  id: string;
  /** The key of its bytes. */
  content: string;
  filename: string;
  room: string | null;
}

/** Attachments whose bytes must exist, ordered by id. @param after exclusive */
export async function expectedFiles(sql: Sql, after: string, limit: number): Promise<ExpectedFile[]> {
  return await sql<ExpectedFile[]>`
    select a.id, coalesce(a.content, a.id) as content, a.filename, h.token as room
    from attachments a left join room_heads h on h.conversation_id = a.conversation_id
    where a.deleted_at is null and not a.file_gone and a.id > ${after}
    order by a.id limit ${limit}`;
}

export async function countExpectedFiles(sql: Sql): Promise<number> {
  const [row] = await sql<[{ count: number }]>`
    select count(*) from attachments where deleted_at is null and not file_gone`;
  return row.count;
}
