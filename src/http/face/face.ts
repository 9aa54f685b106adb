/**
 * What every HTTP API shares: one Hono app per API ("face"), whose errors, unknown paths and wrong methods all come in
 * the API's own shape, and whose routes describe themselves in OpenAPI.
 *
 * Order within a face: request limit → public routes → authentication → body bounds → routes. Hono runs what is
 * registered first, so a face registers its public routes, then `app.use(onRoutes(authenticate))`, then the others.
 */
import { isUtf8 } from "node:buffer";
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { matchedRoutes } from "hono/route";
import { getPath } from "hono/utils/url";
import { badField, DomainError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/model.ts";
import type { Logger } from "../../logger.ts";
import {
  type Failure,
  type FailureStatus,
  failure,
  failureHeaders,
  failureOf,
  UnreadableCharset,
} from "../answers/failures.ts";
import { brokenRule } from "../requests/fields.ts";
import type { RequestLimits } from "../requests/request-limits.ts";

/** The API and route that answered. The API sets them, so that metrics have no more labels than there are routes. */
export interface Seen {
  api: string;
  route: string;
}

/** What the HTTP server knows about a request beside its content. */
export interface RequestInfo {
  ip: string;
  /** The id of the request in log lines and in the answer. */
  requestId?: string;
  /** The API writes its route here. */
  seen?: Seen;
  /** The body is longer than the server reads, and was dropped. Routes that need it refuse in their API's shape. */
  bodyTooLarge?: boolean;
}

/** Answers a request. */
export type HttpHandler = (request: Request, info: RequestInfo) => Promise<Response>;

export interface HttpEnv {
  Bindings: RequestInfo;
  /** The face's authentication sets `principal`; repeatable.ts sets `repeatId`. */
  Variables: { principal: Principal; repeatId: string | undefined };
}
export type HttpApp = OpenAPIHono<HttpEnv>;
export type HttpContext = Context<HttpEnv>;

/** A refusal in an API's own shape. */
export interface Refusal {
  status: FailureStatus;
  body: object;
  headers?: Record<string, string>;
}

type SecurityScheme = Parameters<HttpApp["openAPIRegistry"]["registerComponent"]>[2];

export interface FaceOptions {
  /** The name in `/openapi/{name}.json`. */
  name: string;
  title: string;
  description: string;
  /** The paths that this API answers, with all paths below them. */
  paths: readonly string[];
  /** A prefix that clients may put before each path, or leave out. */
  optionalPrefix?: string;
  /** If set, every path is below one of these prefixes, and `paths` is empty. */
  prefixes?: readonly string[];
  /** The ways to authenticate; one of them is enough. */
  security: Record<string, SecurityScheme>;
  refuse(failure: Failure): Refusal;
  /** Writes a refusal. Default: as JSON. */
  respond?(c: HttpContext, refusal: Refusal): Response;
  limits: RequestLimits;
  logger: Pick<Logger, "error">;
}

export type OpenApiDocument = ReturnType<HttpApp["getOpenAPI31Document"]>;

export interface Face {
  name: string;
  owns(path: string): boolean;
  fetch(request: Request, info: RequestInfo): Response | Promise<Response>;
  /** The API in OpenAPI 3.1. It is made at the first call, because that takes tens of milliseconds. */
  document(): OpenApiDocument;
  /** All routes, as `GET /path/{name}`. */
  routes(): string[];
}

export function createFace(options: FaceOptions): { face: Face; app: HttpApp } {
  const { name, title, description, paths, optionalPrefix = "", prefixes = [], security } = options;
  const { refuse, respond = respondJson, limits, logger } = options;
  const allPrefixes = [optionalPrefix, ...prefixes].filter((prefix) => prefix !== "");
  const app: HttpApp = new OpenAPIHono<HttpEnv>({
    getPath: (request) => withoutPrefix(getPath(request), allPrefixes),
    defaultHook: (result) => {
      if (!result.success) throw brokenRule(result.error, result.target);
    },
  });
  const answer = (c: HttpContext, problem: Failure, headers: Record<string, string> = {}) => {
    const refusal = refuse(problem);
    return respond(c, {
      ...refusal,
      headers: { ...failureHeaders(problem), ...refusal.headers, ...headers },
    });
  };
  app.onError((error, c) => {
    const problem = failureOf(error);
    // Not the whole URL: its query may contain a token.
    if (problem.code === "internal")
      logger.error(failedRequest(c, problem.cause), "a request failed; it was answered with 500");
    return answer(c, problem);
  });
  app.notFound((c) => answer(c, failure("not_found", `There is no ${c.req.method} ${c.req.path} here`)));
  app.use(async (c, next) => {
    const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL")?.path ?? "none";
    if (c.env.seen) Object.assign(c.env.seen, { api: name, route });
    await next();
  });
  app.use(
    methodNotAllowed<HttpEnv>({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        const problem = failure("method_not_allowed", `${c.req.path} takes ${allow}, not ${c.req.method}`);
        return answer(c, problem, { Allow: allow });
      },
    }),
  );
  app.use(async (c, next) => {
    await limits.byAddress(c.env.ip);
    await next();
  });
  for (const [scheme, meaning] of Object.entries(security))
    app.openAPIRegistry.registerComponent("securitySchemes", scheme, meaning);
  const roots = [...paths, ...allPrefixes];
  let document: OpenApiDocument | null = null;
  const face: Face = {
    name,
    owns: (path) => roots.some((root) => path === root || path.startsWith(`${root}/`)),
    fetch: (request, info) => app.fetch(request, info),
    document: () => {
      document ??= app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: { title, version: "1", description },
        security: Object.keys(security).map((scheme) => ({ [scheme]: [] })),
        servers: allPrefixes.length === 0 ? [{ url: "/" }] : allPrefixes.map((url) => ({ url })),
      });
      return document;
    },
    routes: () => {
      // A route is listed once for each of its handlers; those for every method are middleware.
      const served = app.routes.filter(({ method }) => method !== "ALL");
      return [...new Set(served.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`))];
    },
  };
  return { face, app };
}

/** The fields of the log line for a request that failed by a defect. */
export function failedRequest({ req, env }: HttpContext, error: unknown) {
  const { method, path } = req;
  return { event: "http.failed", err: error, method, path, requestId: env.requestId };
}

function respondJson(c: HttpContext, { body, status, headers }: Refusal): Response {
  return c.json(body, status, headers);
}

function withoutPrefix(path: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((one) => path === one || path.startsWith(`${one}/`)) ?? "";
  const bare = path.slice(prefix.length);
  return bare.length > 1 && bare.endsWith("/") ? bare.slice(0, -1) : bare || "/";
}

/** Runs `middleware` only for paths with a route, so that unknown paths are 404 for everybody. */
export function onRoutes(middleware: MiddlewareHandler<HttpEnv>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const exists = matchedRoutes(c).some((route) => route.method !== "ALL");
    return exists ? await middleware(c, next) : await next();
  };
}

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;
/** ASCII is UTF-8. */
const UTF_8 = /^(utf-?8|us-ascii|)$/i;

/** @throws UnreadableCharset for a body whose content type names another charset than UTF-8 */
function requireUtf8(c: HttpContext): void {
  const charset = CHARSET.exec(c.req.header("Content-Type") ?? "")?.[1] ?? "";
  if (!UTF_8.test(charset)) throw new UnreadableCharset(charset);
}

/** Bounds the body before it is parsed, and requires UTF-8. */
export function boundedBody(maxBytes: number): MiddlewareHandler<HttpEnv> {
  const refuse = (): never => {
    throw tooLarge(maxBytes);
  };
  const limited = bodyLimit({ maxSize: maxBytes, onError: refuse });
  return (c, next) =>
    limited(c, async () => {
      if (c.env.bodyTooLarge) refuse();
      if (c.req.raw.body) requireUtf8(c);
      if (c.req.raw.body && !isUtf8(await c.req.bytes())) throw badField("body", "must be valid UTF-8");
      await next();
    }) as Promise<void>;
}

/** Refuses a body whose `Content-Length` is too large. Bodies without one are bounded by their reader. */
export function announcedBound(maxBytes: number): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    if (c.env.bodyTooLarge || Number(c.req.header("content-length") ?? 0) > maxBytes)
      throw tooLarge(maxBytes);
    await next();
  };
}

export function tooLarge(maxBytes: number): DomainError {
  return new DomainError("too_large", `body must have at most ${maxBytes} bytes`, { field: "body" });
}

/** An answer with a JSON body, for a route's `responses`. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

const inWords = (description: string) => ({ description, content: { "text/plain": { schema: z.string() } } });

/** Refusals by the HTTP server itself, before an API sees the request, for a route's `responses`. */
export const DOOR_REFUSALS = {
  408: inWords("The body came too slowly"),
  414: inWords("The path with its query is too long"),
  431: inWords("The headers are too long"),
};

/** A JSON body, for a route's `request`. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { body: { required: true, content: { "application/json": { schema } } } };
}
