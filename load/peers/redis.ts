/** A throw-away Redis for peers that need one. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../services/free-port.ts";
import { startProcess } from "../services/service-process.ts";

/** The path of redis-server or valkey-server; null where neither is on PATH. */
export function findRedis(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const paths = folders.flatMap((folder) => [join(folder, "redis-server"), join(folder, "valkey-server")]);
  return paths.find((path) => existsSync(path)) ?? null;
}

export async function startRedis(): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  const command = findRedis();
  if (command === null) throw new Error("neither redis-server nor valkey-server is on PATH");
  const folder = mkdtempSync(join(tmpdir(), "causeway-peer-redis-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const server = await startProcess({
    command,
    args,
    folder,
    ready: /Ready to accept connections/i,
    endWith: "SIGTERM",
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: server.pid,
    stop: async () => {
      await server.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
