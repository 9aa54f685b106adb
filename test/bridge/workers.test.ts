/** Several workers over one store, rooms of many members, of two, and of older versions. */
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import { describeBridge, until } from "./world.ts";

describeBridge(
  "workers and rooms of all kinds",
  (world) => {
    test("two workers share the rooms, and nothing comes twice", async () => {
      const first = world.bridge;
      await world.startBridge({ node: "worker-2" });
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const rooms = await Promise.all(Array.from({ length: 4 }, () => world.group([ada, ben])));
      for (let n = 0; n < 8; n++)
        for (const room of rooms) await world.say(n % 2 ? ada : ben, room, `message ${n}`);
      for (const room of rooms) {
        const bodies = (await world.bot.texts(await world.mirrored(room))).map((text) =>
          text.replace(/^.*: /, ""),
        );
        expect(bodies).toEqual(Array.from({ length: 8 }, (_, n) => `message ${n}`));
      }
      const retries = first.stats().retries + world.bridge.stats().retries;
      expect(retries, "no room had two turns at once").toBe(0);
      await first.stop();
    });

    test("a room belongs to one worker, until that one shows no sign of life", async () => {
      const store = createBridgeStore(world.store.sql);
      const { id } = await world.store.transaction((tx) =>
        tx.createRoom({
          organizationId: null,
          type: "group",
          kind: null,
          name: "x",
          history: "joined",
          createdBy: "s:x",
        }),
      );
      await world.bridge.stop();
      await store.heartbeat("alive", 60_000);
      await store.heartbeat("dead", 0);
      expect(await store.claim(id, "dead")).toMatchObject({ id, mirrored: 0 });
      expect(await store.claim(id, "alive")).toMatchObject({ id });
      expect(await store.claim(id, "other")).toBe("taken");
      await store.release(id, "other", {
        ...{ mirrored: 5, readOnly: true, posting: "moderators", memberSyncsDone: 0, completed: true },
      });
      expect(await store.claim(id, "other"), "only the owner gives a room back").toBe("taken");
      await store.retire("alive");
      expect(await store.claim(id, "other")).toMatchObject({
        id,
        mirrored: 0,
        readOnly: false,
        posting: "all",
      });
      await store.retire("other");
      expect(await store.claim(987_654_321, "other")).toBeNull();
      await world.startBridge();
    });

    test("in a room of many only those who speak or sign in to Matrix come in", async () => {
      const people = await Promise.all(Array.from({ length: 105 }, (_, n) => world.user(`Person ${n}`)));
      const room = await world.group(people);
      const [owner, speaker, reader] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
      await world.say(speaker, room, "hello all");
      const matrixRoom = await world.mirrored(room);
      await createBridgeStore(world.store.sql).markMatrixAccount(reader.id);
      const client = await world.signIn(reader);
      await until("the reader has joined", async () => (await client.rooms()).joined.includes(matrixRoom));
      interface Members {
        chunk: { state_key: string; content: { membership: string } }[];
      }
      const path = `rooms/${encodeURIComponent(matrixRoom)}/members`;
      const { chunk } = await world.bot.ask<Members>("GET", path);
      const here = chunk.map(({ state_key, content }) => `${state_key} ${content.membership}`);
      expect(here.toSorted()).toEqual(
        [world.ghosts.bot, world.ghosts.ofUser(speaker.id), world.ghosts.ofUser(reader.id)]
          .map((id) => `${id} join`)
          .toSorted(),
      );
      expect(await world.bot.state(matrixRoom, "m.room.power_levels")).toMatchObject({
        users: { [world.ghosts.ofUser(owner.id)]: 100 },
      });
    });

    test("a one-to-one room has no name, and neither side can change it", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben], { type: "one_to_one", name: "" });
      await world.say(ada, room, "just us");
      const matrixRoom = await world.mirrored(room);
      expect(await world.bot.state(matrixRoom, "m.room.name")).toBeNull();
      const client = await world.signIn(ada);
      const path = `rooms/${encodeURIComponent(matrixRoom)}/state/m.room.name/`;
      await expect(client.ask("PUT", path, { name: "Mine" })).rejects.toThrow("M_FORBIDDEN");
    });

    test("figures tell what went where", async () => {
      const registry = new Registry();
      await world.bridge.stop();
      await world.startBridge({ registry });
      await until("the bridge is up", async () => (await world.bridge.health()).ok);
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      await world.say(ada, room, "counted");
      await world.mirrored(room);
      const idle = ["outbox", "lag_seconds", "inbox"].map((gauge) => `causeway_bridge_${gauge} 0\n`);
      const text = await until("nothing is on its way", async () => {
        const metrics = await registry.metrics();
        return idle.every((line) => metrics.includes(line)) && metrics;
      });
      for (const line of ["sent_total 1", "retries_total 0", "connected 1"]) {
        expect(text).toContain(`causeway_bridge_${line}\n`);
      }
      expect(world.bridge.stats()).toMatchObject({ sent: 1, givenUp: 0, recovered: 0, connected: true });
    });
  },
  { scanMs: 300 },
);
