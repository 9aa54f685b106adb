import { Redis } from "ioredis";
import { afterAll, describe, expect, test } from "vitest";
import { userKey } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import { describeWith } from "../../services/need.ts";
import { hotContract } from "../contract.ts";
import { listen } from "../contract-bus.ts";
import { freshId } from "../fresh-id.ts";
import { openRedisHot } from "../redis-hot.ts";

const MINUTE = 60_000;

describeWith("redis", "with Redis", ({ redis }) => {
  hotContract("Redis", () => openRedisHot(redis.url));

  describe("two processes", async () => {
    const [one, two] = await Promise.all([openRedisHot(redis.url), openRedisHot(redis.url)]);
    afterAll(() => Promise.all([one.close(), two.close()]));

    test("hear each other's messages, and their own", async () => {
      const channel = channels.room(freshId());
      const ears = [await listen(one.bus, channel, 2), await listen(two.bus, channel, 2)];
      one.bus.publish(channel, Uint8Array.of(1));
      two.bus.publish(channel, Uint8Array.of(2));
      for (const { messages, all } of ears) {
        await all;
        expect(messages.map(([byte]) => byte).sort()).toEqual([1, 2]);
      }
    });

    test("on other databases of the same server hear nothing of each other", async () => {
      const other = await openRedisHot(`${redis.url}/1`);
      const [channel, marker] = [channels.room(freshId()), channels.room(freshId())];
      const [here, there] = [await listen(one.bus, channel, 1), await listen(other.bus, channel, 1)];
      one.bus.publish(channel, Uint8Array.of(1));
      const end = await listen(other.bus, marker, 1);
      other.bus.publish(marker, Uint8Array.of(2));
      await Promise.all([here.all, end.all]);
      expect(there.messages).toEqual([]);
      await other.close();
    });

    test("share tokens, sessions, calls and limits", async () => {
      const [userId, now] = [freshId(), Date.now()];
      const actor = { kind: "user", id: String(userId), name: "Ada" } as const;
      await one.hot.tokens.put("shared", { userId, loginId: 1, loginHash: "h", expiresAt: now + MINUTE });
      expect(await two.hot.tokens.get("shared")).toMatchObject({ userId });
      await one.hot.calls.put(userId, { session: "a", actor, flags: 1 }, now, MINUTE);
      const joined = await two.hot.calls.put(userId, { session: "b", actor, flags: 2 }, now, MINUTE);
      expect(joined).toMatchObject({ added: true, call: { flags: 3, participants: { length: 2 } } });
      const takes = [one, two, one, two].map(({ hot }) =>
        hot.limits.take("shared", 1, { burst: 2, perSecond: 1 }, now),
      );
      expect((await Promise.all(takes)).filter((wait) => wait === 0)).toHaveLength(2);
    });
  });

  describe("round trips", async () => {
    const { hot, bus, stats, close } = await openRedisHot(redis.url);
    afterAll(close);
    const member = userKey(freshId());
    const rooms = Array.from({ length: 500 }, freshId);

    async function roundTrips(work: () => Promise<unknown>): Promise<number> {
      const before = stats().roundTrips;
      await work();
      return stats().roundTrips - before;
    }

    test("of 500 rooms: last pings, call flags and unread counters are one each, and one together", async () => {
      const pings = () => hot.presence.lastPings(member, rooms);
      const flags = () => hot.calls.flags(rooms);
      const unread = () => hot.unread.get(member, rooms);
      for (const ask of [pings, flags, unread]) expect(await roundTrips(ask)).toBe(1);
      expect(await roundTrips(() => Promise.all([pings(), flags(), unread()]))).toBe(1);
      const nested = async () => {
        await Promise.resolve();
        return flags();
      };
      expect(await roundTrips(() => Promise.all([pings(), nested()]))).toBe(1);
    });

    test("a ping in many rooms, many sessions, and refreshed calls are one each", async () => {
      expect(await roundTrips(() => hot.presence.ping(member, "s", "Ada", rooms, Date.now()))).toBe(1);
      const sessions = rooms.map((id) => ({
        ...{ id: `s${id}`, userId: id, node: "n", device: null, startedAt: 0 },
      }));
      expect(await roundTrips(() => hot.sessions.put(sessions, MINUTE))).toBe(1);
      expect(await roundTrips(() => hot.presence.isActive(member, rooms, Date.now(), MINUTE))).toBe(1);
      const members = rooms.map((id) => userKey(id));
      expect(await roundTrips(() => hot.presence.seen(1, members, Date.now(), MINUTE))).toBe(1);
      const entries = rooms.map((roomId) => ({ roomId, session: "s" }));
      expect(await roundTrips(() => hot.calls.refresh(entries, Date.now(), MINUTE))).toBe(1);
    });

    test("a session that subscribes to 500 rooms costs one more", async () => {
      const before = stats().subscribeRoundTrips;
      await Promise.all(rooms.map((id) => bus.subscribe(channels.room(id), () => undefined)));
      expect(stats().subscribeRoundTrips - before).toBe(1);
    });
  });

  describe("another history of the database", () => {
    test("nothing that was kept of the one before is found any more", async () => {
      const { hot, history, close } = await openRedisHot(redis.url, 5_000, `before ${freshId()}`);
      const now = Date.now();
      const actor = { kind: "user", id: "1", name: "Ada" } as const;
      await hot.tokens.put("t", { userId: 1, loginId: 2, loginHash: "h", expiresAt: now + MINUTE });
      await hot.unread.set("u:1", [{ roomId: 1, entry: { read: 9, readMessages: 9, mentions: 0 } }]);
      await hot.presence.ping("u:1", "s", "Ada", [1], now);
      await hot.calls.put(1, { session: "s", actor, flags: 7 }, now, MINUTE);
      await hot.signalingQueues.put("1:u:1", ["secret"], { most: 5, ttlMs: MINUTE });
      history.adopt(`after ${freshId()}`);
      expect(await hot.tokens.get("t")).toBeNull();
      expect(await hot.unread.get("u:1", [1])).toEqual([null]);
      expect(await hot.presence.active(1, now, MINUTE)).toEqual([]);
      expect(await hot.presence.lastPings("u:1", [1])).toEqual([0]);
      expect((await hot.calls.get(1)).participants).toEqual([]);
      expect(await hot.signalingQueues.take("1:u:1")).toEqual([]);
      await close();
    });

    test("processes hear each other again once all know it, and nobody hears the others' rooms", async () => {
      const [before, after] = [`before ${freshId()}`, `after ${freshId()}`];
      const one = await openRedisHot(redis.url, 5_000, before);
      const two = await openRedisHot(redis.url, 5_000, before);
      const [room, marker] = [channels.room(freshId()), channels.room(freshId())];
      const ears = await listen(one.bus, room, 1);
      const gap = new Promise<void>((resolve) => one.bus.onGap(resolve));
      one.history.adopt(after);
      await gap;
      const end = await listen(one.bus, marker, 1);
      two.bus.publish(room, Uint8Array.of(1));
      one.bus.publish(marker, Uint8Array.of(2));
      await end.all;
      expect(ears.messages).toEqual([]);
      two.history.adopt(after);
      two.bus.publish(room, Uint8Array.of(3));
      await ears.all;
      expect(ears.messages.map(([byte]) => byte)).toEqual([3]);
      await Promise.all([one.close(), two.close()]);
    });
  });

  test("hot state is young again once the server is empty", async () => {
    const admin = new Redis(redis.url);
    let at = Date.now();
    const { hot, close } = await openRedisHot(redis.url, 5_000, "born", { now: () => at });
    expect(await hot.bornAt()).toBe(at);
    at += 10_000;
    expect(await hot.bornAt()).toBe(at - 10_000);
    await admin.flushdb();
    expect(await hot.bornAt()).toBe(at);
    await Promise.all([close(), admin.quit()]);
  });

  test("every key decays or is swept: nothing is left behind", async () => {
    const admin = new Redis(redis.url);
    await admin.flushdb();
    const { hot, close } = await openRedisHot(redis.url);
    const now = Date.now();
    const actor = { kind: "user", id: "1", name: "Ada" } as const;
    await hot.tokens.put("t", { userId: 1, loginId: 2, loginHash: "h", expiresAt: now + MINUTE });
    await hot.sessions.put([{ id: "s", userId: 1, node: "n", device: null, startedAt: now }], MINUTE);
    await hot.presence.ping("u:1", "s", "Ada", [1, 2], now);
    await hot.unread.set("u:1", [{ roomId: 1, entry: { read: 1, readMessages: 1, mentions: 0 } }]);
    await hot.unread.mentioned(1, ["u:1", "u:2"]);
    await hot.calls.put(1, { session: "s", actor, flags: 7 }, now, MINUTE);
    await hot.limits.take("l", 1, { burst: 1, perSecond: 1 }, now);
    await hot.typing.set(1, { member: "u:1", session: "s", name: "Ada" }, true, now, MINUTE);
    await hot.signalingQueues.put("1:u:1", ["m"], { most: 1, ttlMs: MINUTE });
    expect(await hot.bornAt()).toBeGreaterThan(now - MINUTE);
    expect(await admin.dbsize()).toBeGreaterThan(10);

    const forEver = async () => {
      const left = await admin.keys("*");
      const lifetimes = await Promise.all(left.map((key) => admin.pttl(key)));
      return left.filter((_, i) => (lifetimes[i] ?? -1) <= 0);
    };
    // Also what no sweeper looks at any more, because the database has another history, vanishes.
    expect(await forEver()).toEqual([]);
    for (const part of [hot, hot.presence, hot.calls, hot.typing]) await part.sweep(now + 60 * MINUTE);
    expect(await forEver()).toEqual([]);
    const left = await admin.keys("*");
    await Promise.all(left.map((key) => admin.pexpire(key, 1)));
    await expect.poll(() => admin.keys("*")).toEqual([]);
    await Promise.all([close(), admin.quit()]);
  });
});
