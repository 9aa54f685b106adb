/** Redis dies, hangs and comes back: refusals are quick, nothing grows, and what listened listens again. */
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { channels } from "../../src/domain/ports/bus.ts";
import { freePort } from "../black-box/processes.ts";
import { describeWith } from "../services/need.ts";
import { listen } from "./contract-bus.ts";
import { freshId } from "./fresh-id.ts";
import { openRedisHot, type TestedHot } from "./redis-hot.ts";

const RECOVERY = { timeout: 15_000 };

describeWith("redis", "an outage of Redis", ({ redis }) => {
  const opened: TestedHot[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ close }) => close()));
  });
  async function open(): Promise<TestedHot> {
    const hot = await openRedisHot(redis.url);
    opened.push(hot);
    return hot;
  }

  test("kill -9: what was under way and what comes after is refused as unavailable", async () => {
    const { hot, bus, logged } = await open();
    const bornAt = await hot.bornAt();
    const underWay = Promise.allSettled(Array.from({ length: 200 }, () => hot.sessions.count()));
    await redis.kill9();
    for (const answer of await underWay) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "unavailable" });
    }
    await expect.poll(() => bus.stats().connected).toBe(false);
    const asked = [
      () => hot.ping(),
      () => hot.tokens.get("x"),
      () => hot.presence.ping("u:1", "s", "Ada", [1, 2], Date.now()),
      () => hot.calls.flags([1, 2, 3]),
      () => hot.sweep(Date.now()),
    ];
    for (const ask of asked) {
      await expect(ask()).rejects.toMatchObject({ code: "unavailable", retryAfterMs: 1_000 });
    }
    // Limits go on: each process counts by itself.
    const take = () => hot.limits.take("k", 1, { burst: 2, perSecond: 0.001 }, Date.now());
    expect([await take(), await take()]).toEqual([0, 0]);
    expect(await take()).toBeGreaterThan(0);
    await hot.limits.reset("k");
    expect(await take()).toBe(0);
    const { dropped } = bus.stats();
    for (let i = 0; i < 100; i++) bus.publish("room:1", Uint8Array.of(i));
    expect(bus.stats().dropped).toBe(dropped + 100);
    await redis.restart();
    await vi.waitFor(() => hot.ping(), RECOVERY);
    expect(logged).toEqual(["warn: redis.away", "info: redis.back"]);
    // Whatever it kept, it may have come back with less.
    expect(await hot.bornAt()).toBeGreaterThan(bornAt);
  });

  test("after the restart the bus listens again by itself, then tells of the gap", async () => {
    const [ears, mouth] = [await open(), await open()];
    const rooms = Array.from({ length: 300 }, () => channels.room(freshId()));
    const heard = await Promise.all(rooms.map((room) => listen(ears.bus, room, 1)));
    let inForceAtGap: Promise<unknown> | null = null;
    ears.bus.onGap(() => {
      // Every channel must be in force by now: what is published from here on must arrive.
      for (const room of rooms) ears.bus.publish(room, Uint8Array.of(7));
      inForceAtGap ??= Promise.all(heard.map(({ all }) => all));
    });
    await redis.kill9();
    await redis.restart();
    await vi.waitFor(() => expect(inForceAtGap).not.toBeNull(), RECOVERY);
    await vi.waitFor(() => mouth.hot.ping(), RECOVERY);
    for (const room of rooms) mouth.bus.publish(room, Uint8Array.of(8));
    await inForceAtGap;
  });

  test("a subscription made during the outage comes into force before the gap is told", async () => {
    const { bus, hot } = await open();
    const gap = vi.fn();
    bus.onGap(gap);
    await redis.kill9();
    await expect.poll(() => bus.stats().connected).toBe(false);
    const room = channels.room(freshId());
    const left = await listen(bus, channels.room(freshId()), 1);
    const { all } = await listen(bus, room, 1);
    await bus.unsubscribe(channels.room(freshId()), left.handler);
    await redis.restart();
    await vi.waitFor(() => expect(gap).toHaveBeenCalledTimes(1), RECOVERY);
    await vi.waitFor(() => hot.ping(), RECOVERY);
    bus.publish(room, Uint8Array.of(1));
    await all;
  });

  test("a Redis that hangs is refused within about a second, given up, and found again", async () => {
    const { hot, bus } = await open();
    const room = channels.room(freshId());
    const { all } = await listen(bus, room, 1);
    process.kill(redis.pid(), "SIGSTOP");
    try {
      await expect(hot.ping()).rejects.toMatchObject({ code: "unavailable" });
      // Commands fail the same way until the connection is given up; then at once.
      const refused = await Promise.allSettled(Array.from({ length: 500 }, () => hot.tokens.get("x")));
      expect(refused.every(({ status }) => status === "rejected")).toBe(true);
      await vi.waitFor(() => expect(bus.stats().connected).toBe(false), RECOVERY);
    } finally {
      process.kill(redis.pid(), "SIGCONT");
    }
    await vi.waitFor(() => hot.ping(), RECOVERY);
    await vi.waitFor(() => expect(bus.stats().connected).toBe(true), RECOVERY);
    bus.publish(room, Uint8Array.of(1));
    await all;
  });

  test("closing while Redis is away ends at once, and later calls are refused", async () => {
    const { hot, bus, close } = await openRedisHot(redis.url);
    await redis.kill9();
    await expect.poll(() => bus.stats().connected).toBe(false);
    await close();
    await expect(hot.ping()).rejects.toMatchObject({ code: "unavailable" });
    expect(() => bus.publish("room:1", Uint8Array.of(1))).not.toThrow();
    await redis.restart();
  });

  test("closing sends what was published before", async () => {
    const [ears, mouth] = [await open(), await openRedisHot(redis.url)];
    const room = channels.room(freshId());
    const { all } = await listen(ears.bus, room, 2_000);
    for (let i = 0; i < 2_000; i++) mouth.bus.publish(room, Uint8Array.of(1));
    await mouth.close();
    await all;
    expect(mouth.bus.stats()).toMatchObject({ published: 2_000, dropped: 0, connected: false });
    expect(mouth.logged).toEqual([]);
  });
});

describe("starting without Redis", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const opened: TestedHot[] = [];
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    await Promise.all(opened.map(({ close }) => close()));
  });
  async function start(url: string): Promise<TestedHot> {
    const hot = await openRedisHot(url, 300);
    opened.push(hot);
    return hot;
  }

  test("nothing listens: it starts, says so once with the reason, and refuses as in any outage", async () => {
    const port = await freePort();
    const { hot, bus, logged, reasons } = await start(`redis://user:geheim@127.0.0.1:${port}/2`);
    expect(logged).toEqual(["warn: redis.away"]);
    expect(reasons.join()).toContain("ECONNREFUSED");
    await expect(hot.ping()).rejects.toMatchObject({ code: "unavailable" });
    expect(await hot.limits.take("k", 1, { burst: 1, perSecond: 1 }, Date.now())).toBe(0);
    expect(bus.stats().connected).toBe(false);
  });

  test("no node of a cluster answers: the same", async () => {
    const [one, two] = [await freePort(), await freePort()];
    const { bus, logged } = await start(`redis+cluster://127.0.0.1:${one},127.0.0.1:${two}`);
    expect(logged).toEqual(["warn: redis.away"]);
    await bus.subscribe("room:1", () => undefined);
    expect(bus.stats().connected).toBe(false);
  });

  test("something else listens that says nothing: the same", async () => {
    const server = createServer((socket) => sockets.push(socket));
    servers.push(server);
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const { logged } = await start(`redis://127.0.0.1:${port}`);
    expect(logged).toEqual(["warn: redis.away"]);
  });
});

describeWith("redis", "a Redis that comes after the start", ({ redis }) => {
  test("is picked up, and what listens then listens there", async () => {
    await redis.kill9();
    const late = await openRedisHot(redis.url, 300);
    const room = channels.room(freshId());
    const { all } = await listen(late.bus, room, 1);
    await redis.restart();
    await vi.waitFor(() => expect(late.bus.stats().connected).toBe(true), RECOVERY);
    late.bus.publish(room, Uint8Array.of(1));
    await all;
    await late.hot.ping();
    expect(late.logged).toEqual(["warn: redis.away", "info: redis.back"]);
    await late.close();
  });

  test("but one that refuses the password is no outage: the error says so, and keeps the password", async () => {
    const url = redis.url.replace("://", "://nobody:geheim@");
    const error = await openRedisHot(url, 500).catch((reason: Error) => reason);
    expect(error).toMatchObject({
      message: expect.stringMatching(/can't be used: .*(WRONGPASS|AUTH).*REDIS_URL/),
    });
    expect(String(error)).not.toContain("geheim");
  });
});
