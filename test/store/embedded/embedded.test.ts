/** The embedded database: the whole contract, who may open it, and what kill -9 leaves behind. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isUnavailable } from "../../../src/domain/errors.ts";
import { type Embedded, startEmbedded } from "../../../src/store/embedded/embedded.ts";
import { openStore, type PostgresStore } from "../../../src/store/postgres.ts";
import { storeContract } from "../contract/contract.ts";
import { createRoom, messageBy, type StoredRoom, say, upTo } from "../fixtures.ts";

/** The threads that were started, so that a test can end one. */
const workers = vi.hoisted(() => [] as Worker[]);
vi.mock("node:worker_threads", async (original) => {
  const actual = await original<typeof import("node:worker_threads")>();
  class Recorded extends actual.Worker {
    constructor(...input: ConstructorParameters<typeof Worker>) {
      super(...input);
      workers.push(this);
    }
  }
  return { ...actual, Worker: Recorded };
});

const logger = { info: () => {}, warn: console.warn, error: console.error };
const silent = { ...logger, error: () => {} };

interface Opened {
  embedded: Embedded;
  store: PostgresStore;
  close(): Promise<void>;
}

async function open(dataDir: string, log = logger): Promise<Opened> {
  const embedded = await startEmbedded({ dataDir, logger: log });
  const store = await openStore({
    databaseUrl: embedded.url,
    maxConnections: 1,
    embedded: true,
    logger: log,
  });
  return {
    embedded,
    store,
    async close() {
      await store.close();
      await embedded.close();
    },
  };
}

/** As a client does, with the same id: on a busy machine a thread may be longer in starting than a send waits. */
async function sayAgainAndAgain(store: PostgresStore, room: StoredRoom): Promise<number> {
  const message = messageBy(room);
  for (;;) {
    const result = await store.log.append(message).catch((error: unknown) => {
      if (!isUnavailable(error)) throw error;
      return null;
    });
    if (result) return (result as { seq: number }).seq;
  }
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "causeway-test-"));
}

storeContract("embedded PGlite", async () => {
  const dataDir = newFolder();
  const { store, close } = await open(dataDir);
  return {
    store,
    async close() {
      await close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
});

describe("the embedded database", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = newFolder();
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  test("keeps everything over a stop and a start, the epoch too", async () => {
    const first = await open(dataDir);
    const room = await createRoom(first.store);
    const seq = await say(first.store, room);
    await first.close();
    const second = await open(dataDir);
    expect(second.store.epoch).toBe(first.store.epoch);
    expect(await second.store.log.event(room.id, seq)).toMatchObject({ seq, room: room.token });
    await second.close();
  });

  test("is opened by one process only, and says so", async () => {
    const first = await startEmbedded({ dataDir, logger });
    await expect(startEmbedded({ dataDir, logger })).rejects.toThrow(
      /in use by another process.*DATABASE_URL/,
    );
    const script = `import("./dist/src/store/embedded/embedded.js")
      .then(({ startEmbedded }) => startEmbedded({ dataDir: process.argv[1], logger: console }))
      .catch((error) => { console.log(error.message); process.exit(3); })`;
    const other = spawnSync(process.execPath, ["-e", script, dataDir], { encoding: "utf8" });
    expect([other.status, other.stdout]).toEqual([3, expect.stringContaining("in use by another process")]);
    await first.close();
    const again = await startEmbedded({ dataDir, logger });
    await again.close();
  });

  test("loses nothing that was acknowledged when its process is killed, and can be opened at once", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "embedded-burst.mjs"), dataDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines: { room?: number; id?: string; seq?: number }[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(JSON.parse(line));
      if (lines.length === 1_000) child.kill("SIGKILL");
    }
    expect(child.signalCode ?? "SIGKILL").toBe("SIGKILL");
    const roomId = lines[0]!.room!;
    const { store, close } = await open(dataDir);
    const log = await store.log.range(roomId, 0, 1_000_000, 1_000_000);
    expect(log.map(({ seq }) => seq)).toEqual(upTo(log.length));
    expect(new Set(log.map(({ id }) => id)).size).toBe(log.length);
    const stored = new Map(log.map(({ id, seq }) => [id, seq]));
    expect(lines.slice(1).filter(({ id, seq }) => stored.get(id!) !== seq)).toEqual([]);
    expect(await store.log.heads([roomId])).toMatchObject([{ head: log.length, messages: log.length }]);
    await close();
  }, 120_000);

  test("starts again by itself when its thread ends, and sends under way come through", async () => {
    const { store, close } = await open(dataDir, silent);
    const room = await createRoom(store);
    const sends = Array.from({ length: 50 }, () => sayAgainAndAgain(store, room));
    await workers.at(-1)?.terminate();
    expect((await Promise.all(sends)).sort((a, b) => a - b)).toEqual(upTo(52).slice(2));
    await close();
  }, 300_000);

  test("stops while its thread is being started again", async () => {
    const embedded = await startEmbedded({ dataDir, logger: silent });
    await workers.at(-1)?.terminate();
    await embedded.close();
    expect(workers.map(({ threadId }) => threadId).filter((id) => id !== -1)).toEqual([]);
    await (await startEmbedded({ dataDir, logger })).close();
  }, 300_000);

  test("writes to the disk before it answers a commit", async () => {
    const { store, close } = await open(dataDir);
    const [row] = await store.sql<[{ fsync: string; method: string; commit: string }]>`
      select current_setting('fsync') as fsync, current_setting('wal_sync_method') as method,
             current_setting('synchronous_commit') as commit`;
    expect(row).toEqual({ fsync: "on", method: "fsync", commit: "on" });
    expect(readFileSync(join(dataDir, "causeway.lock"), "utf8")).toBe("");
    await close();
  });
});
