/** A throw-away PostgreSQL on a free loopback port, as durable as in production. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { dataFolder, findPostgres, type PostgresBinaries } from "./postgres-binaries.ts";
import type { ServiceCommand } from "./service-process.ts";

export interface PostgresCluster {
  readonly version: string;
  readonly from: PostgresBinaries["from"];
  /** Where the server works; it lies in the command's folder. */
  readonly data: string;
  url(database: string): string;
  /** Serves it until it is told to end. Its folder is the caller's to delete. */
  readonly command: ServiceCommand;
}

const USER = "causeway";

/** Makes an empty cluster. @throws Error that says how to get PostgreSQL, or why it could not be initialised */
export async function newPostgresCluster(): Promise<PostgresCluster> {
  return await clusterFilledBy((binaries, folder, data) => initialise(binaries, folder, data));
}

/**
 * Makes a cluster with a port of its own whose data folder `fill` makes.
 * @throws Error that says how to get PostgreSQL, or what `fill` throws
 */
export async function clusterFilledBy(
  fill: (binaries: PostgresBinaries, folder: string, data: string) => void | Promise<void>,
): Promise<PostgresCluster> {
  const binaries = findPostgres();
  const folder = dataFolder(binaries.identity);
  const data = join(folder, "data");
  const port = await freePort();
  chmodSync(folder, 0o700);
  if (binaries.identity) chownSync(folder, binaries.identity.uid, binaries.identity.gid);
  try {
    await fill(binaries, folder, data);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    version: binaries.version,
    from: binaries.from,
    data,
    url: (database) => `postgres://${USER}@127.0.0.1:${port}/${database}`,
    command: {
      command: join(binaries.bin, "postgres"),
      args: ["-D", data, ...settings(port)],
      folder,
      ready: /database system is ready to accept connections/,
      endWith: "SIGINT",
      identity: binaries.identity,
    },
  };
}

function initialise(binaries: PostgresBinaries, folder: string, data: string): void {
  const { identity } = binaries;
  const args = ["-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
  const made = spawnSync(join(binaries.bin, "initdb"), args, { cwd: folder, encoding: "utf8", ...identity });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
}

function settings(port: number): string[] {
  const values = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    // Servers of a test file stay until its end, and two files run at once.
    max_connections: 400,
    // What is acknowledged must survive kill -9: tests are about that, and figures without it would be worth nothing.
    fsync: "on",
    synchronous_commit: "on",
    logging_collector: "off",
    timezone: "UTC",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
