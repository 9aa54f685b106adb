/** The Redis twin behind a Sentinel: it follows when a replica becomes the master. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { findRedis, type RedisService, startRedis } from "../../load/services/redis.ts";
import { type ServiceProcess, startProcess } from "../../load/services/service-process.ts";
import { channels } from "../../src/domain/ports/bus.ts";
import { freePort } from "../black-box/processes.ts";
import { describeWith } from "../services/need.ts";
import { listen } from "./contract-bus.ts";
import { openRedisHot, type TestedHot } from "./redis-hot.ts";

const MASTER = "main";
const FAILOVER = { timeout: 30_000 };

async function startSentinel(masterPort: string): Promise<ServiceProcess & { port: number }> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-sentinel-"));
  const port = await freePort();
  const lines = [
    ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder}`],
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${MASTER} 500`,
    `sentinel failover-timeout ${MASTER} 5000`,
  ];
  const file = join(folder, "sentinel.conf");
  writeFileSync(file, lines.join("\n"));
  const { command } = await findRedis();
  const args = [file, "--sentinel"];
  const started = await startProcess({ command, args, folder, ready: /\+monitor/, endWith: "SIGTERM" });
  return { ...started, port };
}

describeWith("redis", "Redis behind a Sentinel", ({ redis: master }) => {
  let replica: RedisService;
  let sentinel: Awaited<ReturnType<typeof startSentinel>>;
  let tested: TestedHot;
  beforeAll(async () => {
    const { port } = new URL(master.url);
    replica = await startRedis({ args: ["--replicaof", "127.0.0.1", port] });
    sentinel = await startSentinel(port);
    await untilKnown(sentinel.port, replica.url);
    tested = await openRedisHot(`redis+sentinel://127.0.0.1:${sentinel.port}/${MASTER}`);
  });
  afterAll(async () => {
    await tested?.close();
    await sentinel?.end();
    await replica?.stop();
  });

  test("commands and channels follow the new master", async () => {
    const { hot, bus } = tested;
    const entry = { userId: 1, loginId: 1, loginHash: "h", expiresAt: Date.now() + 60_000 };
    await hot.tokens.put("before", entry);
    const gap = vi.fn();
    bus.onGap(gap);
    const room = channels.room(1);
    const { all } = await listen(bus, room, 1);

    await master.kill9();
    await vi.waitFor(() => hot.tokens.put("after", entry), FAILOVER);
    await vi.waitFor(() => expect(gap).toHaveBeenCalled(), FAILOVER);
    const admin = new Redis(replica.url);
    expect(await admin.info("replication")).toContain("role:master");
    await admin.quit();
    bus.publish(room, Uint8Array.of(1));
    await all;
  });
});

/** A replica that the sentinel has not met yet can't be promoted. */
async function untilKnown(sentinelPort: number, replicaUrl: string): Promise<void> {
  const sentinel = new Redis({ host: "127.0.0.1", port: sentinelPort });
  const { port } = new URL(replicaUrl);
  await vi.waitFor(async () => {
    const replicas = JSON.stringify(await sentinel.call("SENTINEL", "replicas", MASTER));
    expect(replicas).toContain(`127.0.0.1:${port}`);
    expect(replicas).toContain('"master-link-status","ok"');
  }, FAILOVER);
  sentinel.disconnect();
}
