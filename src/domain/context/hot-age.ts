/** Hot state that was lost is filled again by the next sign of life of each session. */
import type { Context } from "./context.ts";

/** Everybody alive has given a sign of life by then: the slowest are long polls, of 30 s. */
export const HEARTBEAT_GRACE_MS = 45_000;

/** Whether hot state began anew within this time: who is missing in it may be there all the same. */
export async function isHotStateNew(
  { hot, now }: Pick<Context, "hot" | "now">,
  withinMs = HEARTBEAT_GRACE_MS,
): Promise<boolean> {
  return now() - (await hot.bornAt()) < withinMs;
}
