/**
 * The clock that all processes share: the database's. A process asks for the time every {@link SYNC_MS}, and counts on
 * with its monotonic clock in between. No decision uses the process's own wall clock, which may be wrong or be set anew.
 */
import type { Clock } from "../../domain/ports/clock.ts";
import type { Database } from "./database.ts";

export interface DatabaseClock extends Clock {
  /** Asks the database now. @throws the raw error when it can't be reached */
  sync(): Promise<void>;
  stop(): void;
}

const SYNC_MS = 10_000;
/** The database read its clock at some time during the round trip, so the clock may be wrong by half of it. */
const MAX_ROUND_TRIP_MS = 250;

export function createDatabaseClock(db: Pick<Database, "sql" | "urgent">): DatabaseClock {
  /** The database's time at the origin of `performance.now()`, ms. */
  let origin: number | null = null;

  async function sync(): Promise<void> {
    const askedAt = performance.now();
    const [row] = await db.urgent(db.sql<[{ now: number }]>`select causeway_now() as now`);
    const roundTrip = performance.now() - askedAt;
    const latest = row.now - askedAt;
    const isPossible = origin !== null && origin <= latest && origin >= latest - roundTrip;
    // A slow answer is too inexact. It is used only when the known time is impossible: none yet, or this machine slept.
    if (!isPossible || roundTrip <= MAX_ROUND_TRIP_MS) origin = latest - roundTrip / 2;
  }

  const timer = setInterval(() => {
    // The database is away: the monotonic clock counts on until it is back.
    sync().catch(() => undefined);
  }, SYNC_MS);
  timer.unref();
  return {
    sync,
    now: () => Math.floor((origin ?? performance.timeOrigin) + performance.now()),
    stop: () => clearInterval(timer),
  };
}
