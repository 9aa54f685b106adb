/** Several gateways on one PostgreSQL: one order, one copy of each message, one set of migrations. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppendResult } from "../../src/domain/ports/store/log.ts";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import { purgeStep } from "../../src/store/schema/housekeeping.ts";
import { openDatabase } from "../../src/store/sql/database.ts";
import { startPostgres } from "../services/postgres.ts";
import { createRoom, messageBy, newRoom, say, seqsOf, upTo } from "./fixtures.ts";

describe("two gateways on one PostgreSQL", () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  let url: string;
  let stores: [PostgresStore, PostgresStore];
  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    const open = () => openStore({ databaseUrl: url, maxConnections: 4 });
    stores = await Promise.all([open(), open()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.stop();
  });

  test("agree on the epoch", () => {
    expect(stores[0].epoch).toMatch(/^[0-9a-f-]{36}$/);
    expect(stores[1].epoch).toBe(stores[0].epoch);
  });

  test("give 50 concurrent writers one gapless order", async () => {
    const rooms = [await createRoom(stores[0]), await createRoom(stores[0])];
    const writer = async (i: number) => {
      for (let n = 0; n < 20; n++) await say(stores[i % 2]!, rooms[(i >> 1) % 2]!, i % 2);
    };
    await Promise.all(Array.from({ length: 50 }, (_, i) => writer(i)));
    const heads = await stores[1].log.heads(rooms.map(({ id }) => id));
    expect(heads.map(({ head, messages }) => head - messages)).toEqual([2, 2]);
    expect(heads.reduce((sum, { messages }) => sum + messages, 0)).toBe(1_000);
    for (const { roomId, head } of heads) {
      expect(await seqsOf(stores[0], roomId)).toEqual(upTo(head));
    }
  });

  // The trap: a statement's snapshot is older than the lock that it waits for, so what the other gateway committed
  // meanwhile is not seen, and the message is stored twice.
  test("store a message once that reaches both at the same time", async () => {
    const room = await createRoom(stores[0]);
    const messages = Array.from({ length: 400 }, () => messageBy(room));
    const results = await Promise.all(
      messages.map((message) => Promise.all(stores.map((store) => store.log.append(message)))),
    );
    const seqs = results.map((both) => {
      expect(both.map(({ status }) => status).sort()).toEqual(["appended", "duplicate"]);
      const [a, b] = both.map((result) => (result as AppendResult & { seq: number }).seq);
      expect(a).toBe(b);
      return a!;
    });
    expect(new Set(seqs).size).toBe(messages.length);
    expect(await seqsOf(stores[0], room.id)).toEqual(upTo(2 + messages.length));
  });

  test("lock many rooms in different orders without a deadlock", async () => {
    const rooms = await Promise.all(Array.from({ length: 6 }, () => createRoom(stores[0])));
    const rounds = Array.from({ length: 60 }, (_, i) => {
      const order = i % 2 === 0 ? rooms : [...rooms].reverse();
      const sends = order.map((room) => stores[i % 2]!.log.append(messageBy(room, i % 2)));
      const marks = order.map((room) =>
        stores[1 - (i % 2)]!.log.markRead(room.people[i % 2]!.key, room.id, 2),
      );
      return Promise.all([...sends, ...marks]);
    });
    const statuses = (await Promise.all(rounds)).flatMap((round) => round.slice(0, 6)) as AppendResult[];
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(["appended"]));
    const [row] = await stores[0].sql<[{ deadlocks: number }]>`
      select deadlocks from pg_stat_database where datname = current_database()`;
    expect(row.deadlocks).toBe(0);
  });

  test("run a transaction again that crossed another", async () => {
    const [a, b] = [await createRoom(stores[0]), await createRoom(stores[0])];
    let bothLocked: (() => void) | undefined;
    let waiting = 0;
    const met = new Promise<void>((resolve) => {
      bothLocked = resolve;
    });
    // Against the rule of one call of lockRooms: each holds the room that the other wants.
    const crossing = (store: PostgresStore, first: number, second: number) =>
      store.transaction(async (tx) => {
        await tx.lockRooms([first]);
        if (++waiting === 2) bothLocked?.();
        await met;
        await tx.lockRooms([second]);
        await tx.updateRoom(first, { description: "changed" });
      });
    await Promise.all([crossing(stores[0], a.id, b.id), crossing(stores[1], b.id, a.id)]);
    for (const { id } of [a, b]) expect((await stores[0].rooms.byId(id))?.description).toBe("changed");
    expect(waiting).toBe(3);
  });

  test("read the list of 500 rooms with one statement", async () => {
    const [store] = stores;
    const { people } = await createRoom(store, { size: 1 });
    const person = people[0]!;
    await store.transaction(async (tx) => {
      for (let i = 0; i < 499; i++) {
        const { id } = await tx.createRoom(newRoom({ name: `Room ${i}` }));
        await tx.putMembers(id, [{ member: person.key, userId: person.id, name: "P", role: "user" }]);
        await tx.appendEvents(id, [
          { type: "room.created", actor: person.actor, data: { name: "R", type: "group" } },
        ]);
      }
    });
    const before = store.stats().statements;
    expect(await store.roomLists.list(person.key)).toHaveLength(500);
    expect(store.stats().statements - before).toBe(1);
  });

  test("start together on an empty database", async () => {
    const fresh = await server.createDatabase();
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => openStore({ databaseUrl: fresh, maxConnections: 1 })),
    );
    expect(new Set(opened.map(({ epoch }) => epoch)).size).toBe(1);
    await Promise.all(opened.map((store) => store.close()));
  });

  test("refuse a database that is not there, saying what to check", async () => {
    const wrong = openStore({ databaseUrl: `${url}_gone`, maxConnections: 1 });
    await expect(wrong).rejects.toThrow(/does not exist.*Check DATABASE_URL/);
  });

  test("remove a deleted room's log in the background, step by step", async () => {
    const [store] = stores;
    const room = await createRoom(store);
    await Promise.all(Array.from({ length: 2_500 }, () => say(store, room)));
    await store.transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.deleteRoom(room.id);
    });
    const db = openDatabase({ url, maxConnections: 1, statementTimeoutMs: 5_000 });
    expect(await purgeStep(db)).toBe(false);
    const steps: number[] = [];
    while (await purgeStep(db, -60_000)) steps.push((await seqsOf(store, room.id)).length);
    await db.close();
    expect(steps).toContain(502);
    expect(steps.at(-1)).toBe(0);
  });

  test("keep a bounded queue: what is beyond it is refused at once, what is in it comes through", async () => {
    const store = await openStore({ databaseUrl: url, maxConnections: 2, maxQueued: 10 });
    const room = await createRoom(store);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let locked: () => void = () => {};
    const isLocked = new Promise<void>((resolve) => {
      locked = resolve;
    });
    const holder = stores[0].transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      locked();
      await held;
    });
    await isLocked;
    const first = store.log.append(messageBy(room));
    while (store.stats().inFlightBatches === 0) await new Promise(setImmediate);
    const sends = Array.from({ length: 15 }, () =>
      store.log.append(messageBy(room, 0, { id: randomUUID() })),
    );
    const refused = await Promise.allSettled(sends.slice(10));
    for (const result of refused) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "busy", retryAfterMs: 1_000 } });
    }
    expect(store.stats()).toMatchObject({ queued: 10, inFlightBatches: 1 });
    release();
    await holder;
    for (const send of [first, ...sends.slice(0, 10)]) expect((await send).status).toBe("appended");
    await store.close();
  });
});
