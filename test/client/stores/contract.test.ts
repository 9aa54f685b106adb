/** What every store promises, on each of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileStore } from "../../../src/client/stores/file.ts";
import { indexedDbStore } from "../../../src/client/stores/indexeddb.ts";
import type { Platform } from "../../../src/client/stores/indexeddb-types.ts";
import { memoryStore } from "../../../src/client/stores/memory.ts";
import { expoSqlite, opSqlite, sqliteStore } from "../../../src/client/stores/sqlite.ts";
import type { Store } from "../../../src/client/stores/store.ts";
import { expoDatabase, opDatabase } from "./sqlite-databases.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causeway-stores-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Each opens the same data again under the same name. */
const STORES: Record<string, { open(name: string): Store; outlivesClosing: boolean }> = {
  memory: { open: () => memoryStore(), outlivesClosing: false },
  indexedDb: { open: indexedDbInMemory(), outlivesClosing: true },
  "SQLite of Expo": {
    open: (name) => sqliteStore(expoSqlite(expoDatabase(join(folder, `${name}.expo`)))),
    outlivesClosing: true,
  },
  "op-sqlite": {
    open: (name) => sqliteStore(opSqlite(opDatabase(join(folder, `${name}.op`)))),
    outlivesClosing: true,
  },
  file: { open: (name) => fileStore(join(folder, `${name}.log`)), outlivesClosing: true },
};

function indexedDbInMemory(): (name: string) => Store {
  const platform = { indexedDB: new IDBFactory(), IDBKeyRange } as unknown as Platform;
  return (name) => indexedDbStore(name, platform);
}

describe.each(Object.entries(STORES))("store: %s", (kind, { open, outlivesClosing }) => {
  test("gives back what was put, and undefined for what was not", async () => {
    const store = open("put");
    expect(await store.get("rooms", "a")).toBeUndefined();
    await store.batch([
      { table: "rooms", key: "a", value: "1" },
      { table: "meta", key: "a", value: 'other\n"table" ✓' },
      { table: "rooms", key: "b", value: "2" },
      { table: "rooms", key: "a", value: "3" },
    ]);
    expect(await store.get("rooms", "a")).toBe("3");
    expect(await store.get("meta", "a")).toBe('other\n"table" ✓');
    await store.batch([{ table: "rooms", key: "a", value: null }]);
    await store.batch([{ table: "rooms", key: "never", value: null }]);
    expect(await store.range("rooms")).toEqual([["b", "2"]]);
    await store.close();
  });

  test("lists a range in the order of keys, from either end, up to a limit", async () => {
    const store = open("range");
    const keys = ["r:10", "r:02", "q:9", "r:01", "s:1"];
    await store.batch(keys.map((key) => ({ table: "messages", key, value: key })));
    const list = async (...which: Parameters<Store["range"]>) =>
      (await store.range(...which)).map(([key, value]) => {
        expect(value).toBe(key);
        return key;
      });
    expect(await list("messages")).toEqual(["q:9", "r:01", "r:02", "r:10", "s:1"]);
    expect(await list("messages", { from: "r:01", to: "r:02" })).toEqual(["r:01", "r:02"]);
    expect(await list("messages", { from: "r:", to: "r:~", limit: 2 })).toEqual(["r:01", "r:02"]);
    expect(await list("messages", { from: "r:", to: "r:~", limit: 2, reverse: true })).toEqual([
      "r:10",
      "r:02",
    ]);
    expect(await list("messages", { to: "r:01", reverse: true })).toEqual(["r:01", "q:9"]);
    expect(await list("messages", { from: "r:03" })).toEqual(["r:10", "s:1"]);
    expect(await list("messages", { from: "z", to: "a" })).toEqual([]);
    expect(await list("rooms", { limit: 5 })).toEqual([]);
    await store.close();
  });

  test("deletes a range, and carries the writes of a batch out in their order", async () => {
    const store = open("order");
    await store.batch(["a", "b", "c", "d"].map((key) => ({ table: "messages", key, value: "old" })));
    await store.batch([
      { table: "messages", from: "b", to: "c" },
      { table: "messages", key: "c", value: "new" },
      { table: "messages", from: "x", to: "a" },
    ]);
    expect(await store.range("messages")).toEqual([
      ["a", "old"],
      ["c", "new"],
      ["d", "old"],
    ]);
    await store.close();
  });

  test("writes all of a batch or nothing", async () => {
    const store = open("whole");
    await store.batch([{ table: "rooms", key: "a", value: "1" }]);
    const spoilt = [
      { table: "rooms", key: "a", value: "2" },
      { table: "nowhere" as "rooms", key: "b", value: "2" },
    ] as const;
    await expect(store.batch(spoilt)).rejects.toThrow();
    expect(await store.range("rooms")).toEqual([["a", "1"]]);
    await store.batch([{ table: "rooms", key: "c", value: "3" }]);
    expect(await store.get("rooms", "c")).toBe("3");
    await store.close();
  });

  test.runIf(outlivesClosing)("has what it had when it is opened again", async () => {
    const before = open("again");
    const writes = Array.from({ length: 40 }, (_, n) =>
      before.batch([{ table: "outbox", key: String(n).padStart(2, "0"), value: `${kind} ${n}` }]),
    );
    await Promise.all(writes);
    await before.close();
    const after = open("again");
    const rows = await after.range("outbox");
    expect(rows.length).toBe(40);
    expect(rows.at(-1)).toEqual(["39", `${kind} 39`]);
    await after.close();
  });
});
