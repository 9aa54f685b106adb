/** The primary is lost and its standby promoted while sends go on; what was acknowledged stays, and sends come back. */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type PostgresPair, startPostgresPair } from "../../load/services/postgres-replica.ts";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import { createRoom, messageBy, type StoredRoom } from "./fixtures.ts";
import { type FlakyProxy, flakyProxy } from "./flaky-proxy.ts";

let pair: PostgresPair;
let store: PostgresStore | undefined;
let proxy: FlakyProxy | undefined;
afterEach(async () => {
  await store?.close();
  await proxy?.close();
  await pair.stop();
  store = undefined;
  proxy = undefined;
});

/** Sends with the same id until it is acknowledged. Returns the seq. */
async function sendUntilAcknowledged(room: StoredRoom): Promise<number> {
  const message = messageBy(room);
  for (;;) {
    try {
      const result = await (store as PostgresStore).log.append(message);
      if (result.status === "appended" || result.status === "duplicate") return result.seq;
    } catch (error) {
      if ((error as { code?: string }).code !== "unavailable") throw error;
    }
  }
}

/** Two writers while `change` happens and until each was acknowledged once more after it. @returns all acknowledged seqs */
async function whileSending(room: StoredRoom, change: () => Promise<void>): Promise<number[]> {
  const seqs: number[] = [];
  let changed = false;
  const writer = async () => {
    for (let last = false; !last; ) {
      last = changed;
      seqs.push(await sendUntilAcknowledged(room));
    }
  };
  const writers = [writer(), writer()];
  await change();
  changed = true;
  await Promise.all(writers);
  return seqs.sort((a, b) => a - b);
}

async function expectKept(room: StoredRoom, seqs: readonly number[]): Promise<void> {
  const log = await (store as PostgresStore).log.range(room.id, 0, 1_000_000, 1_000_000);
  expect(new Set(seqs).size).toBe(seqs.length);
  expect(log.filter(({ type }) => type === "message").map(({ seq }) => seq)).toEqual(seqs);
}

describe("a standby that is promoted", () => {
  test("takes the sends over from a list of hosts, and a short loss of the primary pins nobody to it", async () => {
    pair = await startPostgresPair({ synchronous: true });
    const databaseUrl = pair.url(await pair.createDatabase());
    store = await openStore({ databaseUrl, maxConnections: 4 });
    const room = await createRoom(store);
    const between: number[] = [];
    const seqs = await whileSending(room, async () => {
      // The standby answers meanwhile, and takes no writes.
      await pair.primary.end();
      await pair.primary.start();
      between.push(await sendUntilAcknowledged(room));
      await pair.primary.kill9();
      await pair.promote();
    });
    await expectKept(
      room,
      [...between, ...seqs].sort((a, b) => a - b),
    );
  }, 60_000);

  test("takes the sends over behind one address that moves to it before it is promoted", async () => {
    pair = await startPostgresPair({ synchronous: true });
    const database = await pair.createDatabase();
    const target = { port: pair.primary.port };
    proxy = await flakyProxy(pair.primary.url(database), () => connect(target.port, "127.0.0.1"));
    store = await openStore({ databaseUrl: proxy.url, maxConnections: 4 });
    const room = await createRoom(store);
    const seqs = await whileSending(room, async () => {
      target.port = pair.standby.port;
      await pair.primary.kill9();
      await expect(store?.ping()).rejects.toMatchObject({ code: "unavailable" });
      await pair.promote();
    });
    await expectKept(room, seqs);
  }, 60_000);

  test("or any server that becomes read-only under open connections is left, and used again afterwards", async () => {
    pair = await startPostgresPair({ synchronous: false });
    const databaseUrl = pair.primary.url(await pair.createDatabase());
    store = await openStore({ databaseUrl, maxConnections: 2, repeatMs: 100 });
    const room = await createRoom(store);
    await pair.primary.configure("default_transaction_read_only", "on");
    await expect(store.log.append(messageBy(room))).rejects.toMatchObject({ code: "unavailable" });
    await expect(store.ping()).rejects.toMatchObject({ code: "unavailable" });
    await pair.primary.configure("default_transaction_read_only", "off");
    expect(await sendUntilAcknowledged(room)).toBe(3);
  }, 60_000);
});
