/**
 * PostgreSQL without a server: PGlite in a worker thread. Its files are under DATA_DIR, and it listens on a Unix socket
 * that only this user can open. One process has it, over one connection at a time; otherwise it works as PostgreSQL.
 */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { lockFolder } from "../../file-lock.ts";
import type { StoreLogger } from "../sql/database.ts";
import type { EmbeddedWorkerData } from "./worker.ts";

export interface Embedded {
  /** For `openStore`, together with `embedded: true`. */
  url: string;
  /** Differs for a copy of the folder; see {@link PLACE_FILE}. */
  place: string;
  /** Writes everything to disk and unlocks the folder. Close the store before. */
  close(): Promise<void>;
}

const PORT = 5432;
/** PostgreSQL always writes this file in place, so its inode changes only when a copy is put back. */
const PLACE_FILE = "global/pg_control";
const RESTART_PAUSE_MS = 1_000;
const STOP_MS = 3_000;
const LOCK_ADVICE = {
  inUse:
    "Stop that one, choose another DATA_DIR, or set DATABASE_URL so that several processes can share PostgreSQL",
  noCommand: "set DATABASE_URL to use PostgreSQL",
};
/** Node runs no TypeScript in threads, so the sources (in tests) use the worker of the last build. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../../../dist/src/store/embedded/worker.js", import.meta.url)
  : new URL("./worker.js", import.meta.url);

/**
 * Starts the embedded database of a data folder, making it when there is none (1–5 s).
 * @throws Error that says what to do when another process uses the folder, or the database can't be opened
 */
export async function startEmbedded({
  dataDir,
  logger,
}: {
  dataDir: string;
  logger: StoreLogger;
}): Promise<Embedded> {
  const folder = resolve(dataDir, "postgres");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(resolve(dataDir), LOCK_ADVICE);
  // Not under DATA_DIR: the path of a Unix socket has 107 bytes at most.
  const socketFolder = mkdtempSync(join(tmpdir(), "causeway-"));
  const socket = join(socketFolder, `.s.PGSQL.${PORT}`);
  const release = () => {
    rmSync(socketFolder, { recursive: true, force: true });
    lock.release();
  };
  try {
    const stop = await supervise({ folder, socket }, logger);
    return {
      place: `${statSync(join(folder, PLACE_FILE)).ino}`,
      url: `postgres://postgres@localhost:${PORT}/postgres?host=${encodeURIComponent(socketFolder)}`,
      async close() {
        await stop();
        release();
      },
    };
  } catch (error) {
    release();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The embedded database in ${folder} can't be opened (${reason}). Restore it from a backup, or move the folder away to start empty`,
      { cause: error },
    );
  }
}

/**
 * Starts the worker again, on the same files and socket, when it ends by itself. Acknowledged writes are on the disk, and
 * the store repeats the others.
 * @returns a function that stops the worker for good
 */
async function supervise(data: EmbeddedWorkerData, logger: StoreLogger): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  let worker = await startWorker(data);
  let restarting: Promise<void> | null = null;
  watch();

  function watch(): void {
    let reason: unknown;
    worker.once("error", (error) => {
      reason = error;
    });
    worker.once("exit", (code) => {
      if (stopping.signal.aborted) return;
      logger.error(
        { event: "store.embedded_ended", err: reason, code },
        "the embedded database ended by itself; starting it again",
      );
      restarting = restart();
    });
  }

  /** Never rejects. */
  async function restart(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        worker = await startWorker(data);
        watch();
        break;
      } catch (error) {
        logger.error(
          { event: "store.embedded_start_failed", err: error, retry_ms: RESTART_PAUSE_MS },
          "could not start the embedded database; trying again",
        );
        await sleep(RESTART_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
    restarting = null;
  }

  return async () => {
    stopping.abort();
    await restarting;
    await endWorker(worker);
  };
}

async function endWorker(worker: Worker): Promise<void> {
  // It has ended already.
  if (worker.threadId === -1) return;
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.postMessage("close");
  // A thread that runs a long statement gets no messages. Ending it is as safe as any crash.
  const late = setTimeout(() => void worker.terminate(), STOP_MS);
  await ended;
  clearTimeout(late);
}

/** Resolves when the database listens. */
async function startWorker(data: EmbeddedWorkerData): Promise<Worker> {
  rmSync(data.socket, { force: true });
  const worker = new Worker(WORKER, { workerData: data });
  // The listener stays as long as the thread: an error without a listener would end the process.
  const failed = new Promise<never>((_, reject) => {
    worker.on("error", reject);
    worker.once("exit", (code) => reject(new Error(`its thread ended with code ${code}`)));
  });
  await Promise.race([once(worker, "message"), failed]);
  return worker;
}
