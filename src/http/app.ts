/**
 * Everything that Causeway serves over HTTP, as one fetch handler. Reading order: this file; face.ts (what every API
 * shares) with failures.ts and fields.ts; then a folder per API: messenger/, wire/, protocol/, talk/, admin/.
 */
import { Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { IceServers } from "../domain/context/ice-servers.ts";
import type { Feed } from "../domain/ports/feed.ts";
import type { HotState } from "../domain/ports/hot.ts";
import type { BridgeLetters, MatrixAccounts } from "../domain/ports/matrix.ts";
import type { StoreHealth } from "../domain/ports/store-health.ts";
import type { Logger } from "../logger.ts";
import { type AdminOptions, createAdmin } from "./admin/admin.ts";
import { failureHeaders, failureOf, STATUS } from "./answers/failures.ts";
import { belowPublicPath } from "./answers/public-path.ts";
import { securityHeaders } from "./answers/security-headers.ts";
import { createDocs, DOCS_PATHS } from "./docs/docs.ts";
import { type Face, failedRequest, type HttpContext, type HttpEnv, type HttpHandler } from "./face/face.ts";
import { createMetrics, createProbes, type Health, METRICS_PATHS, PROBE_PATHS } from "./face/operations.ts";
import { createFiles, FILE_PATHS, type FilesOptions } from "./files/files.ts";
import { createMessenger, type MessengerOptions } from "./messenger/messenger.ts";
import { createProtocol, type ProtocolOptions } from "./protocol/protocol.ts";
import { createRequestLimits, type RequestLimits } from "./requests/request-limits.ts";
import { createTalk, type TalkOptions } from "./talk/talk.ts";
import { createWebFiles, WEB_PATHS } from "./web-files.ts";
import { createWire, type WireOptions } from "./wire/wire.ts";

export interface HttpOptions {
  useCases: MessengerOptions["useCases"] &
    WireOptions["useCases"] &
    ProtocolOptions["useCases"] &
    TalkOptions["useCases"] &
    AdminOptions["useCases"] &
    FilesOptions["useCases"];
  storeHealth: StoreHealth;
  hot: Pick<HotState, "limits">;
  /** Live events for long polls. */
  feed: () => Feed;
  /** Null: the admin API is off. */
  adminToken: string | null;
  /** Where clients reach this server. */
  publicUrl: () => string;
  health: () => Promise<Health>;
  metrics: () => Promise<{ body: string; contentType: string }>;
  /** For the admin API's `stats`. */
  stats: () => Promise<object>;
  /** Answers `/_matrix/app/…`; null: no bridge in this process. */
  matrix: ((request: Request) => Promise<Response>) | null;
  /** Null: no homeserver. */
  matrixAccounts: MatrixAccounts | null;
  /** Dead letters of the bridge; null: no homeserver. */
  bridgeLetters: BridgeLetters | null;
  /** The folder that holds web/, client/ and protocol/ as browsers can run them. */
  webRoot: URL | string;
  rateLimits: boolean;
  /** STUN and TURN servers for calls. Default: none. */
  iceServers?: IceServers;
  /** Aborted when the process stops: long polls are answered then. */
  stopping: AbortSignal;
  logger: Pick<Logger, "error" | "info" | "warn">;
}

export function createHttpApp(options: HttpOptions): HttpHandler {
  const limits = createRequestLimits(options.hot.limits, options.useCases.clock, options.rateLimits);
  const faces = createFaces(options, limits);
  const app = new Hono<HttpEnv>();
  app.onError((error, c) => {
    const problem = failureOf(error);
    const { code, message } = problem;
    if (code === "internal")
      options.logger.error(failedRequest(c, error), "a request failed; it was answered with 500");
    return c.json({ error: { code, message } }, STATUS[code], failureHeaders(problem));
  });
  app.use(securityHeaders);
  app.use(belowPublicPath(options.publicUrl));
  mountMatrix(app, options.matrix, limits);
  mount(app, PROBE_PATHS, createProbes(options));
  app.use(limitPerAddress(faces, limits));
  mount(app, METRICS_PATHS, createMetrics(options));
  mount(app, DOCS_PATHS, createDocs(faces, options.publicUrl));
  mount(app, ["/", ...WEB_PATHS], createWebFiles(options.webRoot));
  mountFiles(app, options);
  mountFaces(app, faces);
  app.notFound(nothingHere);
  return async (request, info) => await app.fetch(request, info);
}

/** The five APIs. */
export function createFaces(options: HttpOptions, limits: RequestLimits): Face[] {
  return [
    createMessenger({ ...options, limits }),
    createWire({ ...options, limits }),
    createProtocol({ ...options, limits }),
    createTalk({ ...options, limits }),
    createAdmin({ ...options, limits }),
  ];
}

/** The homeserver's transactions: the bridge reads them itself, and answers in Matrix's shape. */
function mountMatrix(app: Hono<HttpEnv>, matrix: HttpOptions["matrix"], limits: RequestLimits): void {
  app.all("/_matrix/app/*", async (c) => {
    if (c.env.seen) Object.assign(c.env.seen, { api: "matrix", route: "/_matrix/app/*" });
    const refusal = { errcode: "M_UNRECOGNIZED", error: "There is no bridge in this process" };
    const answer = matrix ? await matrix(c.req.raw) : c.json(refusal, 404);
    // The homeserver is never limited. Callers without its token are.
    if (REFUSED_STRANGERS.has(answer.status)) await limits.byAddress(c.env.ip);
    return answer;
  });
}

const REFUSED_STRANGERS: ReadonlySet<number> = new Set([401, 403, 404]);

/** Limits requests that no face handles. Faces limit theirs by themselves, so that the refusal has the face's shape. */
function limitPerAddress(faces: readonly Face[], limits: RequestLimits): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const byFace = c.req.method !== "OPTIONS" && faces.some(({ owns }) => owns(c.req.path));
    if (!byFace) await limits.byAddress(c.env.ip);
    await next();
  };
}

/** Mounts a part that is only read. */
function mount(app: Hono<HttpEnv>, paths: readonly string[], part: Hono<HttpEnv>): void {
  part.notFound(nothingHere);
  for (const path of paths) {
    app.all(path === "/" ? "/" : `${path}/*`, (c) => {
      if (c.env.seen) Object.assign(c.env.seen, { api: "pages", route: path });
      if (c.req.method === "GET" || c.req.method === "HEAD") return part.fetch(c.req.raw, c.env);
      const message = `${c.req.path} takes GET and HEAD, not ${c.req.method}`;
      return c.json({ error: { code: "method_not_allowed", message } }, 405, { Allow: "GET, HEAD" });
    });
  }
}

/** The bytes of files. What uses them is told to the metrics by the first part of the path. */
function mountFiles(app: Hono<HttpEnv>, options: FilesOptions): void {
  const files = createFiles(options);
  files.notFound(nothingHere);
  for (const path of FILE_PATHS) {
    app.all(`${path}/:id`, (c) => {
      if (c.env.seen) Object.assign(c.env.seen, { api: "files", route: path });
      return files.fetch(c.req.raw, c.env);
    });
  }
}

/** Lets web apps of any origin call the APIs with a token, but without cookies. */
const OPEN_TO_BROWSERS = cors({
  origin: "*",
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: ["Location", "Retry-After", "Allow", "X-Chat-Last-Given", "X-Request-Id"],
  maxAge: 600,
});

function mountFaces(app: Hono<HttpEnv>, faces: readonly Face[]): void {
  app.use(async (c, next) => {
    const face = faces.find(({ owns }) => owns(c.req.path));
    if (!face) return await next();
    return await OPEN_TO_BROWSERS(c, async () => {
      c.res = await face.fetch(c.req.raw, c.env);
    });
  });
}

function nothingHere(c: HttpContext): Response {
  const message = `There is nothing at ${c.req.path}; /docs lists the APIs`;
  return c.json({ error: { code: "not_found", message } }, 404);
}
