/**
 * The clock that all processes share: the database's. A process asks for it now and then, and in between counts on with
 * its monotonic clock. Its own wall clock may be fast, slow or set anew: nothing is decided by it.
 */
import type { Clock } from "../../domain/ports/clock.ts";
import type { Database } from "./database.ts";

export interface DatabaseClock extends Clock {
  /** Asks the database now. @throws the raw error when it can't be reached */
  sync(): Promise<void>;
  stop(): void;
}

const SYNC_MS = 10_000;
/** The answer was given at some time during the round trip; half of it is how wrong the clock may be. */
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
    // A slow answer tells too little, unless what is known can't be true: nothing yet, or this machine slept.
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
