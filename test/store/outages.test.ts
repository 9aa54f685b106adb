/** PostgreSQL goes away: what was acknowledged stays, what was lost was not acknowledged, and nothing waits for ever. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoggedEvent } from "../../src/domain/model.ts";
import { openStore, type PostgresStore, type StoreOptions } from "../../src/store/postgres.ts";
import { startPostgres } from "../services/postgres.ts";
import { createRoom, messageBy, repetitionOf, type StoredRoom, say, seqsOf, upTo } from "./fixtures.ts";
import { type FlakyProxy, flakyProxy } from "./flaky-proxy.ts";

let server: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());

/** Sends until it is acknowledged, as a client does: the same id each time. */
async function sendUntilAcknowledged(
  store: PostgresStore,
  room: StoredRoom,
  sender: number,
): Promise<[string, number]> {
  const message = messageBy(room, sender);
  for (;;) {
    try {
      const result = await store.log.append(message);
      if (result.status !== "appended" && result.status !== "duplicate") throw new Error(result.status);
      return [message.id, result.seq];
    } catch (error) {
      if ((error as { code?: string }).code !== "unavailable") throw error;
      await sleep(20);
    }
  }
}

describe("kill -9 of PostgreSQL in the middle of a burst", () => {
  test("loses nothing that was acknowledged, stores nothing twice, and tells listeners of all", async () => {
    const store = await openStore({ databaseUrl: await server.createDatabase(), maxConnections: 4 });
    const rooms = [await createRoom(store), await createRoom(store), await createRoom(store)];
    const heard = new Map<string, LoggedEvent>();
    store.onCommitted((events) => {
      for (const event of events) if (event.id !== null) heard.set(event.id, event);
    });
    const acknowledged: [StoredRoom, string, number][] = [];
    let stop = false;
    const writers = Array.from({ length: 24 }, async (_, i) => {
      const room = rooms[i % 3]!;
      while (!stop) acknowledged.push([room, ...(await sendUntilAcknowledged(store, room, i % 2))]);
    });
    for (let round = 1; round <= 3; round++) {
      const goal = acknowledged.length + 300;
      while (acknowledged.length < goal) await sleep(5);
      await server.kill9();
      await server.start();
    }
    const goal = acknowledged.length + 300;
    while (acknowledged.length < goal) await sleep(5);
    stop = true;
    await Promise.all(writers);

    for (const room of rooms) {
      const log = await store.log.range(room.id, 0, 1_000_000, 1_000_000);
      expect(log.map(({ seq }) => seq)).toEqual(upTo(log.length));
      const stored = new Map(log.map((event) => [event.id, event.seq]));
      const mine = acknowledged.filter(([to]) => to === room);
      expect(mine.filter(([, id, seq]) => stored.get(id) !== seq)).toEqual([]);
      expect(log.filter(({ id }) => id !== null)).toHaveLength(mine.length);
      for (const event of log) if (event.id !== null) expect(heard.get(event.id)).toEqual(event);
    }
    await store.close();
  }, 60_000);
});

describe("a connection that breaks", () => {
  let proxy: FlakyProxy;
  /** On the database itself; rooms are made through it. */
  let direct: PostgresStore;
  /** Through the proxy, with fresh connections. */
  let store: PostgresStore;
  const open = async (options: Partial<StoreOptions> = {}) => {
    const databaseUrl = await server.createDatabase();
    direct = await openStore({ databaseUrl, maxConnections: 2 });
    proxy = await flakyProxy(databaseUrl);
    store = await openStore({ databaseUrl: proxy.url, maxConnections: 3, ...options });
  };
  const close = async () => {
    await Promise.all([store.close(), direct.close()]);
    await proxy.close();
  };

  test("after the commit of a batch, before its answer: the batch is looked up, told once, and never stored again", async () => {
    await open();
    const room = await createRoom(direct);
    const old = messageBy(room, 1, { text: "The first text" });
    const first = await store.log.append(old);
    const texts = new Map<number, string>();
    const told = new Promise<void>((resolve) => {
      store.onCommitted((events) => {
        for (const { seq, dataJson } of events) texts.set(seq, JSON.parse(dataJson).text);
        if (texts.has(4)) resolve();
      });
    });
    const message = messageBy(room, 0, { text: "Only once" });
    const swallowed = proxy.swallowAnswerTo("Only once");
    const again = { ...old, text: "Another text" };
    const [result, repeated] = await Promise.all([store.log.append(message), store.log.append(again)]);
    await swallowed;
    expect(result).toMatchObject({ seq: 4 });
    expect(repeated).toEqual(repetitionOf(first));
    expect(await seqsOf(store, room.id)).toEqual(upTo(4));
    // The older message is told as it was stored, not as it was repeated.
    await told;
    expect([...texts]).toEqual([
      [3, "The first text"],
      [4, "Only once"],
    ]);
    await close();
  });

  test("before the server heard the batch: it is written by the next attempt", async () => {
    await open();
    const room = await createRoom(direct);
    const cut = proxy.cutBefore("Lost on the way");
    const seq = await say(store, room, 0, { text: "Lost on the way" });
    await cut;
    expect(seq).toBe(3);
    await close();
  });

  test("inside a transaction: it is run again as a whole", async () => {
    await open();
    const room = await createRoom(direct);
    const cut = proxy.cutBefore("In the middle");
    let runs = 0;
    await store.transaction(async (tx) => {
      runs++;
      await tx.lockRooms([room.id]);
      const { actor } = room.people[0]!;
      await tx.appendEvents(room.id, [{ type: "room.changed", actor, data: { name: "First" } }]);
      await tx.appendEvents(room.id, [{ type: "room.changed", actor, data: { name: "In the middle" } }]);
    });
    await cut;
    expect(runs).toBe(2);
    expect(await seqsOf(store, room.id)).toEqual(upTo(4));
    await close();
  });

  test("during the commit of a transaction: the caller is told that it may be stored, and nothing is run again", async () => {
    await open();
    const room = await createRoom(direct);
    // As the driver sends it; "synchronous_commit" goes over the wire as well.
    const swallowed = proxy.swallowAnswerTo("\0commit\0");
    let runs = 0;
    const renamed = store.transaction(async (tx) => {
      runs++;
      await tx.lockRooms([room.id]);
      await tx.updateRoom(room.id, { name: "New" });
    });
    await expect(renamed).rejects.toMatchObject({ code: "unavailable" });
    await swallowed;
    expect(runs).toBe(1);
    expect((await store.rooms.byId(room.id))?.name).toBe("New");
    await close();
  });

  test("a database that falls silent makes everything unavailable in bounded time, and is used again afterwards", async () => {
    await open({ statementTimeoutMs: 200, repeatMs: 300 });
    const room = await createRoom(direct);
    const message = messageBy(room, 0, { id: randomUUID() });
    proxy.silence();
    const unavailable = { code: "unavailable" };
    await Promise.all([
      expect(store.ping()).rejects.toMatchObject(unavailable),
      expect(store.log.append(message)).rejects.toMatchObject(unavailable),
      expect(store.log.markRead(room.people[0]!.key, room.id, 1)).rejects.toMatchObject(unavailable),
      expect(store.rooms.byId(room.id)).rejects.toMatchObject(unavailable),
      expect(store.transaction((tx) => tx.lockRooms([room.id]))).rejects.toMatchObject(unavailable),
    ]);
    proxy.resume();
    await store.ping();
    expect(["appended", "duplicate"]).toContain((await store.log.append(message)).status);
    expect(await seqsOf(store, room.id)).toEqual(upTo(3));
    await close();
  }, 30_000);

  test("a room whose lock somebody keeps makes its sends unavailable, not those of other rooms for good", async () => {
    await open({ statementTimeoutMs: 200, repeatMs: 300 });
    const [held, free] = [await createRoom(direct), await createRoom(direct)];
    await direct.transaction(async (tx) => {
      await tx.lockRooms([held.id]);
      await expect(store.log.append(messageBy(held))).rejects.toMatchObject({ code: "unavailable" });
      expect(await say(store, free)).toBe(3);
    });
    expect(await say(store, held)).toBe(3);
    await close();
  });

  test("closing does not wait for a database that is silent", async () => {
    await open();
    const room = await createRoom(direct);
    proxy.silence();
    const send = store.log.append(messageBy(room));
    const refused = expect(send).rejects.toMatchObject({ code: "unavailable" });
    await close();
    await refused;
  }, 10_000);
});
