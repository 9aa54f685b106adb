/**
 * [GW-10.5] A gateway that stops, or that lost its database [GW-10.6], tells its sessions to come back, in paced batches. The
 * commands under way are finished first.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Session } from "./session.ts";

const BATCH_MS = 50;
/** How long one session's commands may still take. */
const QUIET_MS = 1_000;
/** Clients come back at this rate: each is given a time of its own. */
const RECONNECTS_PER_SECOND = 2_000;
const MIN_SPREAD_MS = 1_000;

/** Resolves when every session was told and its connection ended, after about `drainMs`. */
export async function drainSessions(
  all: readonly Session[],
  drainMs: number,
  reason: "draining" | "unavailable" = "draining",
): Promise<void> {
  const spreadMs = reconnectSpreadMs(all.length);
  const batches = Math.max(1, Math.floor(drainMs / BATCH_MS));
  const size = Math.max(1, Math.ceil(all.length / batches));
  const goodbyes: Promise<void>[] = [];
  for (let start = 0; start < all.length; start += size) {
    for (const session of all.slice(start, start + size)) goodbyes.push(goodbye(session, spreadMs, reason));
    if (start + size < all.length) await delay(BATCH_MS);
  }
  await Promise.all(goodbyes);
}

/** The time over which this many clients are to come back. */
export function reconnectSpreadMs(clients: number): number {
  return Math.max(MIN_SPREAD_MS, (clients / RECONNECTS_PER_SECOND) * 1_000);
}

async function goodbye(
  session: Session,
  spreadMs: number,
  reason: "draining" | "unavailable",
): Promise<void> {
  if (session.isGone) return;
  session.state = "leaving";
  await Promise.race([session.quiet(), delay(QUIET_MS, undefined, { ref: false })]);
  if (!session.isGone) session.close(reason, Math.ceil(Math.random() * spreadMs));
}
