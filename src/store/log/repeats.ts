/** Requests that a client may repeat under a key. See schema/migrations/0027-repeated-requests.sql. */
import type { RepeatStore } from "../../domain/ports/store/repeats.ts";
import type { Database } from "../sql/database.ts";

const KEEP_MS = 24 * 3_600_000;
/** Replaces the hash of a refused request. The next request under the key is taken, whatever its hash. */
const REFUSED = new Uint8Array();
/** Rows that one statement removes. */
const STEP_ROWS = 10_000;

export function createRepeats({ sql }: Database): RepeatStore {
  return {
    async remember(key, request) {
      const [row] = await sql<[{ request: Uint8Array; id: string; isNew: boolean }]>`
        with known as (
          select from repeatable_requests
          where key = ${key} and request <> ${REFUSED} and created_at > causeway_now() - ${KEEP_MS}
        )
        insert into repeatable_requests as r (key, request) values (${key}, ${request})
        on conflict (key) do update set
          request = case when r.created_at <= causeway_now() - ${KEEP_MS} or r.request = ${REFUSED}
                         then excluded.request else r.request end,
          id = case when r.created_at <= causeway_now() - ${KEEP_MS} then excluded.id else r.id end,
          created_at = case when r.created_at <= causeway_now() - ${KEEP_MS} then causeway_now() else r.created_at end
        returning request, id, not exists (select from known) as "isNew"`;
      return row;
    },
    async forget(key) {
      await sql`update repeatable_requests set request = ${REFUSED} where key = ${key}`;
    },
  };
}

/** Removes requests that are too old to be repeated. */
export async function forgetRequests({ sql }: Pick<Database, "sql">): Promise<void> {
  let count: number;
  do {
    ({ count } = await sql`
      delete from repeatable_requests where key in (
        select key from repeatable_requests where created_at <= causeway_now() - ${KEEP_MS} limit ${STEP_ROWS})`);
  } while (count === STEP_ROWS);
}
