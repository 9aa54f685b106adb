/** The age of hot state. After a loss, each session's next heartbeat fills it again. */
import type { Context } from "./context.ts";

/** By this time every live session has sent a heartbeat. The slowest are long polls, of 30 s. */
export const HEARTBEAT_GRACE_MS = 45_000;

/** Whether hot state was lost less than `withinMs` ago, so that a session missing in it may still be there. */
export async function isHotStateNew(
  { hot, now }: Pick<Context, "hot" | "now">,
  withinMs = HEARTBEAT_GRACE_MS,
): Promise<boolean> {
  return now() - (await hot.bornAt()) < withinMs;
}
