/** Serves HOST and PORT by the role: sockets and every API, or HTTP alone for a bridge. */
import { setTimeout as delay } from "node:timers/promises";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import type { Config } from "../config.ts";
import type { IceServers } from "../domain/context/ice-servers.ts";
import { DomainError } from "../domain/errors.ts";
import type { Feed } from "../domain/ports/feed.ts";
import { type Gateway, startGateway } from "../gateway/gateway.ts";
import type { HttpHandler } from "../gateway/http/exchange.ts";
import { createHttpApp } from "../http/app.ts";
import type { Health } from "../http/face/operations.ts";
import { observed } from "../http/observation.ts";
import { createAwait } from "../http/wire/notifications/await.ts";
import type { Logger } from "../logger.ts";
import { clientAddressBehind } from "./client-address.ts";
import type { Core } from "./core.ts";
import { createHealth } from "./health/health.ts";
import { serveHttp } from "./http-server.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** The running server, and how it begins to stop. */
export interface Serving {
  port: number;
  /** Answers "not ready" from now on, and asks connections to end. Resolves after LAME_DUCK_MS, so that proxies see it. */
  leave(): Promise<void>;
}

/** @param publicUrl the URL for clients; called for each request */
export async function serve(
  config: Config,
  core: Core,
  publicUrl: () => string,
  logger: Logger,
  parts: Lifecycle,
): Promise<Serving> {
  const { HOST: host, PORT: port } = config;
  let running: Gateway | null = null;
  const feed = () => feedOf(running);
  const leaving = new AbortController();
  const stopping = new AbortController();
  const late = {
    publicUrl,
    feed,
    gateway: () => running,
    leaving: leaving.signal,
    stopping: stopping.signal,
  };
  const http = observed(httpOf(config, core, late, logger), core.registry, logger);
  const leave = async (server: { leave(): void }) => {
    leaving.abort();
    server.leave();
    await delay(config.LAME_DUCK_MS);
  };
  if (config.ROLE === "bridge") {
    const server = await serveHttp(host, port, http, clientAddressOf(config));
    parts.add("HTTP", server.close);
    parts.add("requests under way", () => server.drain(config.DRAIN_MS));
    return { port: server.port, leave: () => leave(server) };
  }
  const gateway = await openGateway(config, core, late, http, logger);
  running = gateway;
  parts.add("gateway", () => gateway.close());
  parts.add("gateway's sessions", () => {
    stopping.abort();
    return gateway.drain();
  });
  return { port: gateway.port, leave: () => leave(gateway) };
}

function feedOf(gateway: Gateway | null): Feed {
  if (gateway) return gateway.feed;
  throw new DomainError("unavailable", "This process serves no live news; ask a gateway");
}

const STOPPING: Health = { ok: false, parts: { process: { ok: false, detail: "it stops" } } };

interface Late {
  publicUrl: () => string;
  feed: () => Feed;
  gateway: () => Gateway | null;
  /** Aborted when readiness ends. */
  leaving: AbortSignal;
  /** Aborted when waiting requests must be answered. */
  stopping: AbortSignal;
}

function openGateway(
  config: Config,
  core: Core,
  { feed, publicUrl }: Late,
  http: HttpHandler,
  logger: Logger,
): Promise<Gateway> {
  const { HOST: host, PORT: port } = config;
  const { store, hot, bus, commits, useCases, registry, node } = core;
  const rateLimits = config.RATE_LIMITS === "on";
  const storeHealth = store.health;
  const waiting = createAwait({ useCases, storeHealth, hot, feed, publicUrl, rateLimits, logger });
  return startGateway({
    ...{ host, port, store, hot, bus, commits, useCases, http, node, registry, logger, rateLimits },
    publicUrl,
    matrixAccounts: core.matrix?.accounts ?? null,
    matrixIdOf: (userId) => core.matrix?.idOf(userId) ?? null,
    iceServers: iceServersOf(config),
    clientAddress: clientAddressOf(config),
    endpoints: { "/await": waiting },
    transport: config.TRANSPORT,
    heartbeatMs: config.HEARTBEAT_MS,
    drainMs: config.DRAIN_MS,
  });
}

function clientAddressOf({ TRUSTED_PROXIES = "" }: Config) {
  return clientAddressBehind(TRUSTED_PROXIES);
}

function httpOf(config: Config, core: Core, late: Late, logger: Logger): HttpHandler {
  const { store, hot, bus, useCases, matrix, registry, adminToken, oidc } = core;
  const { publicUrl, feed, gateway, leaving, stopping } = late;
  const health = createHealth(store, hot, {
    ...(matrix?.health && { bridge: matrix.health }),
    ...(oidc && { oidc: async () => oidc.provider.health() }),
  });
  return createHttpApp({
    ...{ useCases, hot, publicUrl, feed, stopping, logger },
    storeHealth: store.health,
    adminToken: adminToken?.text ?? null,
    health: async () => (leaving.aborted ? STOPPING : await health()),
    metrics: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
    stats: async () => ({
      ...(await store.counts()),
      gateway: gateway()?.stats() ?? null,
      sessions: await hot.sessions.count().catch(() => null),
      store: store.stats(),
      bus: bus.stats(),
      bridge: matrix?.stats() ?? null,
    }),
    matrix: matrix?.handle ?? null,
    matrixAccounts: matrix?.accounts ?? null,
    bridgeLetters: matrix ? createBridgeStore(store.sql) : null,
    webRoot: new URL("../", import.meta.url),
    rateLimits: config.RATE_LIMITS === "on",
    iceServers: iceServersOf(config),
  });
}

function iceServersOf({ STUN_URLS, TURN_URLS, TURN_SECRET }: Config): IceServers {
  const turn = TURN_SECRET === undefined ? null : { urls: TURN_URLS ?? [], secret: TURN_SECRET };
  return { stun: STUN_URLS ?? [], turn };
}
