/** The time up to which a list that is ordered by time can be read: nothing is committed before it any more. */
import { setTimeout } from "node:timers/promises";
import type { Database } from "./database.ts";

/** A horizon waits at most so long for transactions that write. */
const MAX_WAIT_MS = 500;
const LOOK_EVERY_MS = 10;

/**
 * The horizon, ms. Everything that was committed before the call has an earlier time; everything that is committed later
 * has this time or a later one. The call waits for transactions that began before it. After {@link MAX_WAIT_MS} it
 * answers all the same, and the first promise may then not hold.
 * @param ask the database function that looks; its file in schema/functions says what it promises
 */
export async function settledHorizon(
  { sql, read }: Database,
  ask: "causeway_journal_horizon" | "causeway_message_horizon",
): Promise<number> {
  const until = performance.now() + MAX_WAIT_MS;
  for (let first: number | null = null; ; await setTimeout(LOOK_EVERY_MS)) {
    const [row] = await read(sql<[{ called: number; horizon: number }]>`
      select called, horizon from ${sql.unsafe(ask)}()`);
    first ??= row.called;
    if (row.horizon >= first || performance.now() >= until) return row.horizon;
  }
}
