/** Statements for domain/ports/store/visits.ts. */
import type { MemberKey } from "../../domain/model.ts";
import type { Visit, VisitStore, VisitWrites } from "../../domain/ports/store/visits.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Sql } from "../sql/sql.ts";

/** Visits that are kept of one member in one room. */
const MAX_VISITS = 20;
const MAX_FORMER_GUESTS = 1_000;
/** Look-ups of one statement. */
const MAX_LOOK_UPS = 200;
/** Statements under way at once. */
const MAX_STATEMENTS = 2;

interface Asked {
  roomId: number;
  member: MemberKey;
  part: string;
}

/** After a loss of hot state all clients that joined a room ask at once. */
function createLookUp({ sql, read }: Database): (asked: Asked) => Promise<Visit[]> {
  return createBatchLoader({
    maxStatements: MAX_STATEMENTS,
    maxKeys: MAX_LOOK_UPS,
    read: async (asked: Asked[]) => {
      const found = await read(sql<(Visit & { n: number })[]>`
        select k.n, v.session, v.joined_at as "joinedAt", v.call_flags as "callFlags"
        from unnest(${asked.map(({ roomId }) => roomId)}::bigint[],
                    ${asked.map(({ member }) => member)}::text[], ${asked.map(({ part }) => part)}::text[])
          with ordinality as k (conversation_id, member, part, n)
        join visits v on v.conversation_id = k.conversation_id and v.member = k.member
          and position(k.part in v.session) > 0
        order by v.joined_at, v.session`);
      const places = asked.map((_, i) => i + 1);
      return byKey(
        places,
        found,
        ({ n }) => n,
        (visits) => visits.map(({ session, joinedAt, callFlags }) => ({ session, joinedAt, callFlags })),
      );
    },
  });
}

export function createVisitStore(db: Database): VisitStore {
  const { sql } = db;
  const visitsOf = createLookUp(db);
  return {
    async begin(roomId, member, session, now) {
      await sql`
        with kept as (
          insert into visits (conversation_id, member, session, joined_at)
          select m.conversation_id, m.member, ${session}::text, ${now}::bigint from memberships m
          where m.conversation_id = ${roomId} and m.member = ${member}
          on conflict (conversation_id, member, session) do update set joined_at = excluded.joined_at
          returning session
        )
        delete from visits v where v.conversation_id = ${roomId} and v.member = ${member}
          and v.session <> ${session} and v.session in (
            select o.session from visits o
            where o.conversation_id = ${roomId} and o.member = ${member} and o.session <> ${session}
            order by o.joined_at desc, o.session offset ${MAX_VISITS - 1})`;
    },
    of: (roomId, member, part) => visitsOf({ roomId, member, part }),
    async end(roomId, member, part) {
      const mine = sql`conversation_id = ${roomId} and member = ${member}`;
      const [ended] = await sql<{ session: string; left: number }[]>`
        delete from visits where ${mine} and session = (
          select session from visits where ${mine} and position(${part}::text in session) > 0
          order by joined_at desc, session desc limit 1)
        returning session, (select count(*) - 1 from visits where ${mine}) as left`;
      return ended ?? null;
    },
    async setCall(roomId, session, flags) {
      await sql`
        update visits set call_flags = ${flags}::smallint
        where conversation_id = ${roomId} and session = ${session} and call_flags is distinct from ${flags}::smallint`;
    },
  };
}

export function createVisitWrites(scope: TransactionScope): VisitWrites {
  const { sql } = scope;
  return {
    async formerGuest(roomId, member) {
      const [row] = await sql<{ name: string; removed: boolean }[]>`
        select name, removed from former_guests where conversation_id = ${roomId} and member = ${member}`;
      return row ?? null;
    },
    async keepOut(roomId, members) {
      scope.requireLock(roomId);
      await sql`
        update former_guests set removed = true
        where conversation_id = ${roomId} and member = any (${[...members]}::text[])`;
    },
  };
}

/** Remembers guests who leave, and forgets the oldest beyond {@link MAX_FORMER_GUESTS}. */
export async function rememberGuests(
  sql: Sql,
  roomId: number,
  guests: readonly { member: MemberKey; name: string }[],
): Promise<void> {
  if (guests.length === 0) return;
  await sql`
    insert into former_guests (conversation_id, member, name)
    select ${roomId}::bigint, g.member, g.name
    from unnest(${guests.map(({ member }) => member)}::text[], ${guests.map(({ name }) => name)}::text[]) as g (member, name)
    on conflict (conversation_id, member) do update set name = excluded.name, left_at = causeway_now()`;
  await sql`
    delete from former_guests f where f.conversation_id = ${roomId} and not f.removed and f.member in (
      select member from former_guests where conversation_id = ${roomId} and not removed
      order by left_at desc, member offset ${MAX_FORMER_GUESTS})`;
}

const KEEP_VISITS_MS = 7 * 24 * 3_600_000;
const KEEP_GUESTS_MS = 30 * 24 * 3_600_000;
const KEEP_REMOVED_MS = 365 * 24 * 3_600_000;

/** Removes old visits and former guests. */
export async function forgetVisits({ sql }: Pick<Database, "sql">): Promise<void> {
  await sql`delete from visits where joined_at <= causeway_now() - ${KEEP_VISITS_MS}`;
  await sql`
    delete from former_guests where left_at <= causeway_now() - ${KEEP_GUESTS_MS}
      and (not removed or left_at <= causeway_now() - ${KEEP_REMOVED_MS})`;
}
