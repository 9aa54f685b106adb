/**
 * `npm run dev`: builds on every change of the sources and starts the server anew. Unless the environment says
 * otherwise, the server has a throw-away PostgreSQL with the demo people, and no Matrix.
 * compiler.ts builds, assets.ts copies what the compiler leaves, server.ts keeps a server running.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newPostgresCluster } from "../load/services/postgres-cluster.ts";
import { startProcess } from "../load/services/service-process.ts";
import { watchAssets } from "./assets.ts";
import { startCompilers } from "./compiler.ts";
import { keepServer } from "./server.ts";

const PROJECTS = ["tsconfig.build.json", "tsconfig.web.json"];

async function main(): Promise<void> {
  const interrupted = interruption();
  const folder = mkdtempSync(join(tmpdir(), "causeway-dev-"));
  const hasOwnDatabase = "DATABASE_URL" in process.env || "DATABASE_URL_FILE" in process.env;
  const database = hasOwnDatabase ? null : await startDatabase();
  const server = keepServer({ ...defaults(folder), ...database?.settings, ...process.env });
  server.restart(performance.now());
  const onWatching = () => process.stdout.write("dev: watching the sources\n");
  const compilers = startCompilers(PROJECTS, folder, onWatching, (since) => server.restart(since));
  const assets = watchAssets("src", "dist/src", () => server.restart(performance.now()));
  await interrupted;
  assets.close();
  compilers.stop();
  await server.stop();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Settings in the environment come before them; an empty one means the server's own default. */
function defaults(folder: string): Record<string, string> {
  const adminToken = randomBytes(16).toString("hex");
  const hasOwn = "ADMIN_TOKEN" in process.env || "ADMIN_TOKEN_FILE" in process.env;
  if (!hasOwn) process.stdout.write(`dev: the admin token is ${adminToken}\n`);
  return {
    ...(!hasOwn && { ADMIN_TOKEN: adminToken }),
    DATA_DIR: join(folder, "data"),
    MATRIX_HOMESERVER_URL: "off",
    REDIS_URL: "memory",
  };
}

async function startDatabase(): Promise<{ settings: Record<string, string>; stop(): Promise<void> }> {
  const cluster = await newPostgresCluster();
  const running = await startProcess(cluster.command);
  const url = cluster.url("postgres");
  process.stdout.write(`dev: the database is ${url}\n`);
  return {
    settings: { DATABASE_URL: url, DEMO: "on" },
    stop: async () => {
      await running.end();
      rmSync(cluster.command.folder, { recursive: true, force: true });
    },
  };
}

function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
  });
}

await main();
process.exit();
