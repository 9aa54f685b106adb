/** SIGTERM: clients are told to come back, and what was acknowledged is there when they do. */
import { describe, expect, test } from "vitest";
import { ackCount, acks, runAll } from "../black-box/burst.ts";
import { proveOneLog } from "../black-box/proof.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { gather } from "./crowd.ts";

describe("SIGTERM in a burst of sends", () => {
  const fleet = serverFleet();

  test("says bye with a code that means reconnect, ends, and loses nothing", async () => {
    const server = await fleet.start();
    const crowd = await gather([server.url], 3);
    const bursts = crowd.bursts(400);
    const sent = runAll(bursts);
    await acks(bursts, 200);
    const report = await server.stop("SIGTERM");
    expect(report).toMatchObject({ code: 0, left: [] });
    console.log(
      `${ackCount(bursts)} of 1200 sends were acknowledged before the server ended in ${report.ms} ms`,
    );

    for (const { client, closes } of crowd.stays) {
      expect(closes, client.name).not.toEqual([]);
      const { code, bye } = closes[0]!;
      expect(code, client.name).toBeGreaterThanOrEqual(4000);
      expect(code, client.name).toBeLessThan(4500);
      expect(bye, client.name).toMatchObject({ code, reconnectMs: expect.any(Number) });
    }

    await fleet.start({ ...server.settings });
    await sent;
    await proveOneLog(crowd.clients, bursts, crowd.rooms);
    for (const { client, resumes } of crowd.stays) expect(resumes, client.name).toHaveLength(1);
    await crowd.leave();
  }, 120_000);
});
