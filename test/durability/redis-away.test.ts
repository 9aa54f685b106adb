/** Two gateways over PostgreSQL and Redis: one order for everybody, also while Redis is dead. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ackCount, acks, type Burst, runAll } from "../black-box/burst.ts";
import { proveOneLog } from "../black-box/proof.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { type Crowd, gather } from "./crowd.ts";

/** How long Redis stays dead. */
const AWAY_MS = Number(process.env.REDIS_AWAY_MS ?? 10_000);
const PAUSE_MS = 200;

describeWith(["postgres", "redis"], "two gateways with PostgreSQL and Redis", ({ postgres, redis }) => {
  const fleet = serverFleet();
  let crowd: Crowd;

  beforeAll(async () => {
    const settings = { ROLE: "gateway", DATABASE_URL: postgres.url, REDIS_URL: redis.url };
    const [one, two] = await Promise.all([fleet.start(settings), fleet.start(settings)]);
    crowd = await gather([one.url, two.url], 3);
  }, 120_000);
  afterAll(() => crowd?.leave());

  test("clients on both see one gapless order", async () => {
    const bursts = crowd.bursts(400, "both");
    await runAll(bursts);
    await proveOneLog(crowd.clients, bursts, crowd.rooms);
  }, 60_000);

  test("kill -9 of Redis and its return lose nothing", async () => {
    const bursts = crowd.bursts(400, "kill");
    const sent = runAll(bursts);
    await acks(bursts, 400);
    await redis.kill9();
    await redis.restart();
    await sent;
    await proveOneLog(crowd.clients, bursts, crowd.rooms);
  }, 60_000);

  test("while Redis is away for seconds sends are acknowledged and nothing is lost", async () => {
    const bursts: Burst[] = [];
    const traffic = async (round: number) => {
      const few = crowd.bursts(6, `away-${round}`);
      bursts.push(...few);
      await runAll(few);
    };
    await traffic(0);
    await redis.kill9();
    // The outage is what is tested: it has to last.
    const over = delay(AWAY_MS, true);
    let round = 1;
    for (let back = false; !back; round++) {
      await traffic(round);
      back = await Promise.race([over, delay(PAUSE_MS, false)]);
    }
    const during = ackCount(bursts);
    await redis.restart();
    await traffic(round);
    console.log(`${during} sends were acknowledged while Redis was away for ${AWAY_MS} ms`);
    expect(during).toBeGreaterThan(18);
    await proveOneLog(crowd.clients, bursts, crowd.rooms);
  }, 120_000);
});
