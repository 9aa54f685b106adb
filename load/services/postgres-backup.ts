/** Copies of a running PostgreSQL, and the commands that make them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import postgres from "postgres";
import type { PostgresBinaries } from "./postgres-binaries.ts";

interface RunningServer {
  readonly data: string;
  readonly identity: PostgresBinaries["identity"];
  url(database: string): string;
}

/**
 * A base backup, made as PostgreSQL's manual says (25.3.4), because npm's PostgreSQL has no pg_basebackup. With its log
 * it starts by itself; without, it needs a primary to follow. It waits for no standby when it takes writes.
 */
export async function copyRunning(
  server: RunningServer,
  to: string,
  log: "with log" | "without log",
): Promise<void> {
  const { data, identity } = server;
  await withConnection(server.url("postgres"), async (sql) => {
    await sql`select pg_backup_start('copy', true)`;
    const script = `
      umask 077 && mkdir "$2" && cd "$1" || exit 1
      { tar --exclude='./pg_wal/*' --exclude='./pg_replslot/*' --exclude=./postmaster.pid --exclude=./postmaster.opts -cf - . ||
        [ $? = 1 ]; } | tar -C "$2" -xf -
    `; // tar ends with 1 when a file changed while it was read, which the write-ahead log makes good.
    await run("sh", ["-c", script, "copy", data, to], identity);
    const [stopped] = await sql<{ labelfile: string }[]>`select labelfile from pg_backup_stop(false)`;
    await write(to, "backup_label", stopped?.labelfile ?? "", identity);
  });
  if (log === "with log")
    await run("sh", ["-c", 'cp -a "$1"/pg_wal/. "$2"/pg_wal/', "copy", data, to], identity);
  await write(to, "postgresql.auto.conf", "synchronous_standby_names = ''\n", identity);
}

/** Appends to a file of a data folder, as the server's user. */
export function write(
  data: string,
  name: string,
  text: string,
  identity: PostgresBinaries["identity"],
): Promise<void> {
  return run("tee", ["-a", join(data, name)], identity, text);
}

/** Runs a command as the server's user. @throws Error with what the command says when it fails */
export async function run(
  command: string,
  args: string[],
  identity: PostgresBinaries["identity"],
  input = "",
): Promise<void> {
  const child = spawn(command, args, { cwd: "/", stdio: ["pipe", "ignore", "pipe"], ...identity });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} failed: ${complaint}`);
}

/** Runs `work` with a connection of its own. */
export async function withConnection<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
