/** PgBouncer in front of a PostgreSQL, on a free loopback port and otherwise with its defaults. */
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { startProcess } from "../../load/services/service-process.ts";
import { freePort } from "../black-box/processes.ts";

export interface PgBouncer {
  /** The database's URL through PgBouncer. */
  readonly url: string;
  stop(): Promise<void>;
}

/** It refuses to run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** @throws Error that says how to get it */
export function findPgBouncer(): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  const found = folders.map((folder) => join(folder, "pgbouncer")).find((path) => existsSync(path));
  if (found === undefined) throw new Error("no pgbouncer on PATH. Install pgbouncer");
  return found;
}

export async function startPgBouncer(
  databaseUrl: string,
  mode: "session" | "transaction",
): Promise<PgBouncer> {
  const command = findPgBouncer();
  const { hostname, port, pathname, username } = new URL(databaseUrl);
  const identity = process.getuid?.() === 0 ? NOBODY : undefined;
  const folder = mkdtempSync(join(tmpdir(), "causeway-pgbouncer-"));
  chmodSync(folder, 0o755);
  if (identity) chownSync(folder, identity.uid, identity.gid);
  const listen = await freePort();
  const settings = join(folder, "pgbouncer.ini");
  writeFileSync(
    settings,
    `[databases]
* = host=${hostname} port=${port} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
`,
  );
  const running = await startProcess({
    ...{ command, args: [settings], folder, identity },
    ready: /process up/,
    endWith: "SIGINT",
  }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    url: `postgres://${username}@127.0.0.1:${listen}${pathname}`,
    async stop() {
      await running.kill9();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
