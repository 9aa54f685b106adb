/**
 * The thread in which the embedded database runs: PGlite behind a Unix socket. See embedded.ts.
 *
 * Durability: PGlite starts PostgreSQL with fsync off, and its file system has no fsync at all. This file adds both, so an
 * acknowledged commit survives a power cut, as with a PostgreSQL server. `wal_sync_method` is fsync, because fdatasync
 * does nothing in the WebAssembly build.
 */
import { fdatasyncSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

export interface EmbeddedWorkerData {
  folder: string;
  socket: string;
}

/** The thread sends this when it listens. It gets "close", and then ends with exit code 0. */
export type EmbeddedWorkerMessage = { listening: true };

/** The part of Emscripten's file system that is patched. */
interface NodeFileSystem {
  stream_ops: { fsync?: (stream: { nfd?: number }) => number };
}

class DurableFS extends NodeFS {
  override async init(...[pg, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const result = await super.init(pg, options);
    const preRun = result.emscriptenOpts.preRun as ((module: unknown) => void)[];
    preRun.push((module) => {
      const { FS } = module as { FS: { filesystems: { NODEFS: NodeFileSystem } } };
      FS.filesystems.NODEFS.stream_ops.fsync = ({ nfd }) => {
        // Open directories have no descriptor of the host.
        if (nfd !== undefined) fdatasyncSync(nfd);
        return 0;
      };
    });
    return result;
  }
}

async function main({ folder, socket }: EmbeddedWorkerData): Promise<void> {
  const startParams = [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    ...["-c", "fsync=on", "-c", "wal_sync_method=fsync"],
  ];
  const db = await PGlite.create({ fs: new DurableFS(folder), startParams });
  dieWith(db);
  // Only one client may send at a time, because the server mixes the messages of several. More than one is connected
  // for a moment while one is being replaced.
  const server = new PGLiteSocketServer({ db, path: socket, maxConnections: 8 });
  await server.start();
  parentPort?.on("message", () => {
    void server
      .stop()
      .then(() => db.close())
      .then(() => process.exit(0));
  });
  parentPort?.postMessage({ listening: true } satisfies EmbeddedWorkerMessage);
}

/** A failure of the database itself ends the thread, and the process starts another. Errors of SQL are answers, no exceptions. */
function dieWith(db: PGlite): void {
  const run = db.execProtocolRawStream.bind(db);
  db.execProtocolRawStream = async (...input) => {
    try {
      return await run(...input);
    } catch (error) {
      // Outside of this promise, so that it reaches the process as the reason why the thread ended.
      process.nextTick(() => {
        throw error;
      });
      return await new Promise<never>(() => {});
    }
  };
}

await main(workerData as EmbeddedWorkerData);
