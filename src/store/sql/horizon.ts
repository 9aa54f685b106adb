/** How far what is ordered by time can be read, so that nothing is committed behind its reader. */
import { setTimeout } from "node:timers/promises";
import type { Database } from "./database.ts";

/** How long a horizon waits for those who write. */
const UNSETTLED_MS = 500;
const LOOK_EVERY_MS = 10;

/**
 * Everything that was committed before the call has an earlier time (ms), and so has nothing that is committed later.
 * Writers who began before the call are waited for; after half a second the first of this may not hold.
 * @param ask the database function that looks: its file in schema/functions tells what it promises
 */
export async function settledHorizon(
  { sql, read }: Database,
  ask: "causeway_journal_horizon" | "causeway_message_horizon",
): Promise<number> {
  const until = performance.now() + UNSETTLED_MS;
  for (let first: number | null = null; ; await setTimeout(LOOK_EVERY_MS)) {
    const [row] = await read(sql<[{ called: number; horizon: number }]>`
      select called, horizon from ${sql.unsafe(ask)}()`);
    first ??= row.called;
    if (row.horizon >= first || performance.now() >= until) return row.horizon;
  }
}
