/**
 * The thread in which the embedded database runs: PGlite behind a Unix socket. See embedded.ts.
 *
 * Durability: PGlite starts PostgreSQL with fsync off, and its file system has no fsync at all. Here both are turned
 * on, so a commit that was answered survives a power cut, like one of a PostgreSQL server. `wal_sync_method=fsync`,
 * because the WebAssembly build routes fdatasync nowhere.
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

/** From the thread: it listens. To the thread: "close"; it then ends with exit code 0. */
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
  // One client at a time does anything: the server mixes the messages of several. More than one may be connected for
  // a moment, when one is being replaced.
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

/** When the database itself breaks (an error of SQL is an answer, not an exception), the thread ends: it is started anew. */
function dieWith(db: PGlite): void {
  const run = db.execProtocolRawStream.bind(db);
  db.execProtocolRawStream = async (...input) => {
    try {
      return await run(...input);
    } catch (error) {
      console.error("The embedded database failed and is started again:", error);
      process.exit(1);
    }
  };
}

await main(workerData as EmbeddedWorkerData);
