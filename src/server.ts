/**
 * The composition root: starts the parts in order, stops them in reverse, also when the start fails half-way.
 * `main.ts` and the tests call `startServer`; it never reads argv, the environment or signals.
 * Around it: state.ts (store and hot state), matrix.ts (the bridge), health.ts, metrics.ts, sweepers.ts.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { attachmentsInFolder } from "./attachments/folder.ts";
import { attachmentsInS3, parseS3Url } from "./attachments/s3.ts";
import type { Config } from "./config.ts";
import { keptText, newSecret, openDataDir } from "./data-dir.ts";
import { demoData } from "./demo-data.ts";
import { createUseCases } from "./domain/domain.ts";
import type { AttachmentFiles } from "./domain/ports/attachments.ts";
import type { Bus } from "./domain/ports/bus.ts";
import type { HotState } from "./domain/ports/hot.ts";
import type { UseCases } from "./domain/use-cases.ts";
import { announceCommitted } from "./gateway/announcer.ts";
import { type Gateway, startGateway } from "./gateway/gateway.ts";
import type { HttpHandler } from "./gateway/http-exchange.ts";
import { createHealth } from "./health.ts";
import { createHttpApp } from "./http/app.ts";
import { serveHttp } from "./http-server.ts";
import { type Lifecycle, lifecycle } from "./lifecycle.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMatrix, type Matrix } from "./matrix.ts";
import { createRegistry, registerState } from "./metrics.ts";
import { openConfiguredHot, openConfiguredStore } from "./state.ts";
import type { PostgresStore } from "./store/postgres.ts";
import { startSweepers } from "./sweepers.ts";
import { createTargets } from "./webhooks/targets.ts";
import { welcome } from "./welcome.ts";

export interface Server {
  /** Where clients reach it. */
  readonly url: string;
  /** Tells sessions to come back, flushes, and ends every part. */
  stop(): Promise<void>;
}

/** Everything that the faces and the bridge stand on. */
interface Core {
  store: PostgresStore;
  hot: HotState;
  bus: Bus;
  useCases: UseCases;
  matrix: Matrix | null;
  adminToken: { text: string; path: string | null } | null;
  /** Names this process to the others. */
  node: string;
  registry: ReturnType<typeof createRegistry>;
}

/**
 * Resolves when sockets and HTTP are served; the bridge comes up behind (see `/readyz`).
 * @param say is given lines for people: progress, where things are, how to try them
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
  const core = await openCore(config, dataDir, say, logger, parts);
  const { store, useCases, matrix, adminToken } = core;
  parts.add("sweepers", startSweepers(useCases, store, logger));

  let url = "";
  const serving = await serve(config, core, () => url, logger, parts);
  url = (config.PUBLIC_URL ?? `http://${hostOf(config.HOST)}:${serving.port}`).replace(/\/+$/, "");
  matrix?.start(core, serving.port);
  const wantsDemo = config.DEMO === "on" || (config.DEMO === "auto" && config.DATABASE_URL === undefined);
  const demo = wantsDemo && config.ROLE !== "bridge" ? await demoData(dataDir, store, useCases) : null;
  for (const line of welcome({ config, url, dataDir, demo, adminTokenPath: adminToken?.path ?? null }))
    say(line);
  return url;
}

async function openCore(
  config: Config,
  dataDir: string,
  say: (line: string) => void,
  logger: Logger,
  parts: Lifecycle,
): Promise<Core> {
  const node = randomBytes(6).toString("hex");
  const registry = createRegistry();
  const store = await openConfiguredStore(config, dataDir, logger, parts);
  const { hot, bus } = await openConfiguredHot(config, node, logger, parts);
  registerState(registry, store, bus);
  announceCommitted({ store, bus });
  const matrix = createMatrix(config, dataDir, say, logger);
  const targets = createTargets({ allowPrivate: config.WEBHOOK_ALLOW_PRIVATE === "true" });
  const useCases = createUseCases({
    ...{ store, hot, bus, logger },
    matrix: matrix?.accounts ?? null,
    files: filesOf(config, dataDir),
    webhookTargets: targets,
    settings: {
      passwordMinLength: config.PASSWORD_MIN_LENGTH,
      rateLimits: config.RATE_LIMITS === "on",
      jwt: jwtOf(config),
    },
  });
  if (matrix) parts.add("Matrix", () => matrix.stop());
  return { store, hot, bus, useCases, matrix, node, registry, adminToken: adminTokenOf(config, dataDir) };
}

/** Serves what the role asks for, on HOST and PORT. */
async function serve(
  config: Config,
  core: Core,
  publicUrl: () => string,
  logger: Logger,
  parts: Lifecycle,
): Promise<{ port: number }> {
  const { HOST: host, PORT: port } = config;
  const { store, hot, bus, useCases, registry, node } = core;
  let gateway: Gateway | null = null;
  const http = httpOf(config, core, publicUrl, () => gateway?.stats() ?? null, logger);
  if (config.ROLE === "bridge") {
    const server = await serveHttp(host, port, http);
    parts.add("HTTP", server.close);
    return server;
  }
  gateway = await startGateway({
    ...{ host, port, store, hot, bus, useCases, http, node, registry, logger },
    transport: config.TRANSPORT,
    heartbeatMs: config.HEARTBEAT_MS,
    drainMs: config.DRAIN_MS,
    rateLimits: config.RATE_LIMITS === "on",
  });
  const started = gateway;
  parts.add("gateway", () => started.close());
  parts.add("gateway's sessions", () => started.drain());
  return started;
}

function httpOf(
  config: Config,
  core: Core,
  publicUrl: () => string,
  gatewayStats: () => object | null,
  logger: Logger,
): HttpHandler {
  const { store, hot, bus, useCases, matrix, registry, adminToken } = core;
  const probes = matrix?.health ? { bridge: matrix.health } : {};
  return createHttpApp({
    ...{ useCases, store, hot, publicUrl, logger },
    adminToken: adminToken?.text ?? null,
    health: createHealth(store, hot, probes),
    metrics: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
    stats: async () => ({
      ...(await store.rooms.counts()),
      gateway: gatewayStats(),
      sessions: await hot.sessions.count().catch(() => null),
      store: store.stats(),
      bus: bus.stats(),
      bridge: matrix?.stats() ?? null,
    }),
    matrix: matrix?.handle ?? null,
    matrixAccounts: matrix?.accounts ?? null,
    webRoot: new URL("./", import.meta.url),
    rateLimits: config.RATE_LIMITS === "on",
  });
}

/** The embedded default makes a token of its own; elsewhere the admin API is off until one is set. */
function adminTokenOf(config: Config, dataDir: string): Core["adminToken"] {
  if (config.ADMIN_TOKEN !== undefined) return { text: config.ADMIN_TOKEN, path: null };
  return config.DATABASE_URL === undefined ? keptText(dataDir, "admin-token", newSecret) : null;
}

function filesOf({ ATTACHMENTS_URL: url }: Config, dataDir: string): AttachmentFiles {
  return url === undefined
    ? attachmentsInFolder(join(dataDir, "attachments"))
    : attachmentsInS3(parseS3Url(url));
}

function jwtOf(config: Config) {
  const { AUTH_JWKS_URL: jwksUrl, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
  if (jwksUrl === undefined) return null;
  return { jwksUrl, ...(issuer !== undefined && { issuer }), ...(audience !== undefined && { audience }) };
}

/** As it stands in a URL; "every address" is reached on this machine. */
function hostOf(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
