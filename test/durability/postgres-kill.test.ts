/** PostgreSQL dies in the middle of a burst of sends: first one of its backends, then its postmaster. */
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ackCount, acks, runAll } from "../black-box/burst.ts";
import { proveOneLog } from "../black-box/proof.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { startPostgres } from "../services/postgres.ts";
import { type Crowd, gather } from "./crowd.ts";

const PER_SENDER = 400;

describe("kill -9 of PostgreSQL in a burst of sends", () => {
  const fleet = serverFleet();
  let database: Awaited<ReturnType<typeof startPostgres>>;
  let databaseUrl: string;
  let crowd: Crowd;

  beforeAll(async () => {
    database = await startPostgres();
    databaseUrl = await database.createDatabase();
    const server = await fleet.start({ DATABASE_URL: databaseUrl });
    crowd = await gather([server.url], 3);
  }, 120_000);
  afterAll(async () => {
    await crowd?.leave();
    await database?.stop();
  });

  /** Breaks the database when a third is acknowledged, and holds that the clients' logs stay whole. */
  async function survive(label: string, breakIt: () => Promise<void>): Promise<void> {
    const bursts = crowd.bursts(PER_SENDER, label);
    const sent = runAll(bursts);
    await acks(bursts, PER_SENDER);
    await breakIt();
    const before = ackCount(bursts);
    await sent;
    const retries = bursts.reduce((sum, each) => sum + each.retries(), 0);
    console.log(
      `${label}: ${before} of ${3 * PER_SENDER} acknowledged when it broke, ${retries} tries again`,
    );
    await proveOneLog(crowd.clients, bursts, crowd.rooms);
  }

  test("of a backend (the whole cluster recovers): nothing acknowledged is lost or doubled", async () => {
    const sql = postgres(databaseUrl, { max: 1 });
    await sql`SELECT 1`;
    await survive("backend", async () => {
      const pids = await sql<{ pid: number }[]>`
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        ORDER BY query_start DESC`;
      expect(pids.length).toBeGreaterThan(0);
      process.kill(pids[0]!.pid, "SIGKILL");
    });
    await sql.end({ timeout: 0 });
  }, 120_000);

  test("of the postmaster, and its restart: nothing acknowledged is lost or doubled", async () => {
    await survive("postmaster", async () => {
      await database.kill9();
      await database.start();
    });
  }, 120_000);
});
