/**
 * The composition root: starts the parts in order and stops them in reverse order, also when a start fails half-way.
 * `main.ts` and the tests call `startServer`; it never reads argv, the environment or signals.
 * Its parts: core.ts (store, hot state, domain), serving.ts (sockets and HTTP), matrix.ts (the bridge), sweepers.ts.
 */
import type { Config } from "../config.ts";
import { webhookShape } from "../http/protocol/webhook-shape.ts";
import { createLogger, type Logger } from "../logger.ts";
import { startWebhooks } from "../webhooks/worker.ts";
import { openCore } from "./core.ts";
import { openDataDir } from "./data-dir.ts";
import { demoData } from "./demo-data.ts";
import { returnSpareMemory } from "./health/spare-memory.ts";
import { type Lifecycle, lifecycle } from "./lifecycle.ts";
import { serve } from "./serving.ts";
import { startSweepers } from "./sweepers.ts";
import { welcome } from "./welcome.ts";

export interface Server {
  /** The URL for clients. */
  readonly url: string;
  /** Tells sessions to reconnect, flushes, and stops every part. */
  stop(): Promise<void>;
}

/**
 * Resolves when sockets and HTTP are served. The bridge starts in the background (see `/readyz`).
 * @param say gets lines for people: progress, URLs and paths, how to try the server
 * @throws Error that says what to do
 */
export async function startServer(config: Config, say: (line: string) => void): Promise<Server> {
  const logger = createLogger(config.LOG_LEVEL);
  const parts = lifecycle(logger);
  try {
    const url = await startParts(config, say, logger, parts);
    return { url, stop: parts.stop };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

async function startParts(
  config: Config,
  say: (line: string) => void,
  logger: Logger,
  parts: Lifecycle,
): Promise<string> {
  const dataDir = openDataDir(config.DATA_DIR);
  let url = "";
  const publicUrl = () => url;
  const core = await openCore(config, dataDir, say, logger, parts, publicUrl);
  parts.add("memory", returnSpareMemory());
  const { store, commits, useCases, matrix, adminToken, webhookTargets: targets, registry } = core;
  parts.add("sweepers", startSweepers(useCases, store, logger));

  const { port, leave } = await serve(config, core, publicUrl, logger, parts);
  url = (config.PUBLIC_URL ?? `http://${hostOf(config.HOST)}:${port}`).replace(/\/+$/, "");
  const shape = webhookShape({ useCases, publicUrl });
  const webhooks = startWebhooks({ store, commits, shape, targets, logger, registry });
  parts.add("webhooks", () => webhooks.stop());
  matrix?.start(core, port);
  // This stops first, so everything works until proxies have noticed.
  parts.add("readiness", leave);
  const wantsDemo = config.DEMO === "on" || (config.DEMO === "auto" && config.DATABASE_URL === undefined);
  const demo = wantsDemo && config.ROLE !== "bridge" ? await demoData(dataDir, store, useCases) : null;
  const adminTokenPath = adminToken?.path ?? null;
  for (const line of welcome({ config, url, pid: process.pid, dataDir, demo, adminTokenPath })) say(line);
  return url;
}

/** The host for a URL. "Every address" becomes the loopback address. */
function hostOf(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
