/** Serves what the role asks for on HOST and PORT: sockets and every API, or HTTP alone for a bridge. */
import { clientAddressBehind } from "./client-address.ts";
import type { Config } from "./config.ts";
import type { Core } from "./core.ts";
import { DomainError } from "./domain/errors.ts";
import type { Feed } from "./domain/ports/feed.ts";
import { type Gateway, startGateway } from "./gateway/gateway.ts";
import type { HttpHandler } from "./gateway/http-exchange.ts";
import { createHealth } from "./health.ts";
import { createHttpApp } from "./http/app.ts";
import { createAwait } from "./http/wire/await.ts";
import { serveHttp } from "./http-server.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Logger } from "./logger.ts";

/** @param publicUrl where clients reach this server; asked when a request comes */
export async function serve(
  config: Config,
  core: Core,
  publicUrl: () => string,
  logger: Logger,
  parts: Lifecycle,
): Promise<{ port: number }> {
  const { HOST: host, PORT: port } = config;
  const { store, hot, bus, useCases, registry, node } = core;
  let running: Gateway | null = null;
  const feed = (): Feed => {
    if (running) return running.feed;
    throw new DomainError("unavailable", "This process serves no live news; ask a gateway");
  };
  const clientAddress = clientAddressBehind(config.TRUSTED_PROXIES ?? "");
  const app = httpOf(config, core, { publicUrl, feed, gateway: () => running }, logger);
  const http: HttpHandler = (request, info) =>
    app(request, { ...info, ip: clientAddress(info.ip, request.headers.get("x-forwarded-for")) });
  if (config.ROLE === "bridge") {
    const server = await serveHttp(host, port, http);
    parts.add("HTTP", server.close);
    return server;
  }
  const rateLimits = config.RATE_LIMITS === "on";
  const waiting = createAwait({ useCases, store, hot, feed, publicUrl, rateLimits, logger });
  const admit: typeof waiting.admit = (handshake) =>
    waiting.admit({ ...handshake, ip: clientAddress(handshake.ip, handshake.header("x-forwarded-for")) });
  const gateway = await startGateway({
    ...{ host, port, store, hot, bus, useCases, http, node, registry, logger, rateLimits },
    endpoints: { "/await": { ...waiting, admit } },
    transport: config.TRANSPORT,
    heartbeatMs: config.HEARTBEAT_MS,
    drainMs: config.DRAIN_MS,
  });
  running = gateway;
  parts.add("gateway", () => gateway.close());
  parts.add("gateway's sessions", () => gateway.drain());
  return gateway;
}

interface Late {
  publicUrl: () => string;
  feed: () => Feed;
  gateway: () => Gateway | null;
}

function httpOf(config: Config, core: Core, late: Late, logger: Logger): HttpHandler {
  const { store, hot, bus, useCases, matrix, registry, adminToken } = core;
  const { publicUrl, feed, gateway } = late;
  return createHttpApp({
    ...{ useCases, store, hot, publicUrl, feed, logger },
    adminToken: adminToken?.text ?? null,
    health: createHealth(store, hot, matrix?.health ? { bridge: matrix.health } : {}),
    metrics: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
    stats: async () => ({
      ...(await store.rooms.counts()),
      gateway: gateway()?.stats() ?? null,
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
