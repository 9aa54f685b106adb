/** The Redis twin on a cluster: the whole contract, and what happens when nodes die and slots move. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { userKey } from "../../src/domain/model.ts";
import { channels } from "../../src/domain/ports/bus.ts";
import { channelPrefix, createKeys, historyName } from "../../src/hot/redis/connection/keys.ts";
import { slotOf } from "../../src/hot/redis/connection/subscriber-connection.ts";
import { describeWith } from "../services/need.ts";
import { hotContract } from "./contract.ts";
import { listen } from "./contract-bus.ts";
import { freshId } from "./fresh-id.ts";
import { type ClusterNode, type RedisCluster, startRedisCluster, untilWhole } from "./redis-cluster.ts";
import { EPOCH, openRedisHot, type TestedHot } from "./redis-hot.ts";

const RECOVERY = { timeout: 20_000 };
const keys = createKeys(() => historyName(EPOCH));
const PREFIX = channelPrefix(0, historyName(EPOCH));
/** What PTTL says of a key that stays. */
const NO_LIFETIME = -1;

describeWith("redis", "a cluster of Redis", async () => {
  const cluster: RedisCluster = await startRedisCluster();
  afterAll(() => cluster.stop());

  hotContract("a Redis cluster", () => openRedisHot(cluster.url));

  describe("two processes on a cluster", () => {
    let one: TestedHot;
    let two: TestedHot;
    beforeAll(async () => {
      [one, two] = await Promise.all([openRedisHot(cluster.url), openRedisHot(cluster.url)]);
    });
    afterAll(() => Promise.all([one.close(), two.close()]));

    const nodeOfSlot = (slot: number) =>
      cluster.nodes[Math.floor(slot / cluster.slotsPerNode)] as ClusterNode;
    const nodeOf = (channel: string) => nodeOfSlot(slotOf(PREFIX + channel));
    /** So many channels that every node has some. */
    function manyRooms(): string[] {
      const rooms = Array.from({ length: 60 }, () => channels.room(freshId()));
      expect(new Set(rooms.map(nodeOf)).size).toBe(cluster.nodes.length);
      return rooms;
    }
    async function hearAgain(rooms: string[], ears: Awaited<ReturnType<typeof listen>>[]): Promise<void> {
      for (const room of rooms) two.bus.publish(room, Uint8Array.of(1));
      await Promise.all(ears.map(({ all }) => all));
    }

    test("hear each other on every node", async () => {
      const rooms = manyRooms();
      const ears = await Promise.all(rooms.map((room) => listen(one.bus, room, 1)));
      await hearAgain(rooms, ears);
    });

    test("a member's list of rooms is one round trip", async () => {
      const rooms = Array.from({ length: 500 }, freshId);
      const member = userKey(freshId());
      const before = one.stats().roundTrips;
      const { presence, calls, unread } = one.hot;
      await Promise.all([presence.lastPings(member, rooms), calls.flags(rooms), unread.get(member, rooms)]);
      expect(one.stats().roundTrips - before).toBe(1);
    });

    test("nothing is left after everything decayed: keys are swept or have a time to live", async () => {
      const now = Date.now();
      const actor = { kind: "user", id: "1", name: "Ada" } as const;
      for (let room = 1; room <= 20; room++) {
        await one.hot.presence.ping(userKey(room), "s", "Ada", [room], now);
        await one.hot.calls.put(room, { session: `s${room}`, actor, flags: 1 }, now, 60_000);
      }
      await one.hot.presence.sweep(now + 3_600_000);
      await one.hot.calls.sweep(now + 3_600_000);
      for (const { admin } of cluster.nodes) {
        const left = await admin.keys("*");
        const lifetimes = await Promise.all(left.map((key) => admin.pttl(key)));
        // A key that ended between the two questions has -2.
        expect(left.filter((_, i) => lifetimes[i] === NO_LIFETIME)).toEqual([]);
      }
    });

    test("kill -9 of one node: what lies there is refused, the others serve on", async () => {
      const [dead] = cluster.nodes as [ClusterNode];
      const look = (hash: string) => two.hot.tokens.get(hash);
      const hashAt = (isThere: boolean) => {
        for (let i = 0; ; i++) {
          const hash = `hash-${i}`;
          if ((nodeOfSlot(slotOf(keys.token(hash))) === dead) === isThere) return hash;
        }
      };
      await dead.server.kill9();
      await expect(look(hashAt(true))).rejects.toMatchObject({ code: "unavailable" });
      await vi.waitFor(async () => expect(await look(hashAt(false))).toBeNull(), RECOVERY);
      await dead.server.restart();
      await untilWhole(cluster.nodes);
      await vi.waitFor(async () => expect(await look(hashAt(true))).toBeNull(), RECOVERY);
    });

    test("after kill -9 of each node in turn all channels are heard again, and the gap was told", async () => {
      const rooms = manyRooms();
      const ears = await Promise.all(rooms.map((room) => listen(one.bus, room, 1)));
      const gap = vi.fn();
      one.bus.onGap(gap);
      for (const { server } of cluster.nodes) {
        await server.kill9();
        await server.restart();
        await untilWhole(cluster.nodes);
        await vi.waitFor(() => expect(one.bus.stats().connected).toBe(true), RECOVERY);
      }
      await vi.waitFor(() => expect(gap).toHaveBeenCalled(), RECOVERY);
      await vi.waitFor(() => Promise.all([one.hot.sessions.count(), two.hot.sessions.count()]), RECOVERY);
      await hearAgain(rooms, ears);
    });

    test.runIf(cluster.hasShardedChannels)("a slot that moves takes its channels along", async () => {
      const room = channels.room(freshId());
      const { all } = await listen(one.bus, room, 1);
      const gap = vi.fn();
      one.bus.onGap(gap);
      const slot = slotOf(PREFIX + room);
      const from = nodeOf(room);
      const to = cluster.nodes.find((node) => node !== from) as ClusterNode;
      await from.admin.flushall();
      const id = String(await to.admin.cluster("MYID"));
      // The new owner first: the others then believe it.
      for (const { admin } of [to, ...cluster.nodes.filter((node) => node !== to)]) {
        await admin.cluster("SETSLOT", slot, "NODE", id);
      }
      await vi.waitFor(() => expect(gap).toHaveBeenCalled(), RECOVERY);
      await vi.waitFor(async () => {
        two.bus.publish(room, Uint8Array.of(1));
        const came = await Promise.race([all.then(() => true), two.hot.ping().then(() => false)]);
        expect(came).toBe(true);
      }, RECOVERY);
    });
  });
});
