/**
 * The client of the homeserver's client-server API, as the application service. It sends each request once; callers decide
 * whether and when to try again.
 */
import { type HttpApiEvent, MatrixError, MatrixHttpApi, Method, TypedEventEmitter } from "matrix-js-sdk";
import type { Logger as SdkLogger } from "matrix-js-sdk/lib/logger.js";
import { Counter, type Registry } from "prom-client";
import type { Logger } from "../../src/logger.ts";
import { HomeserverError, reasonOf } from "./homeserver-error.ts";
import { type StreamOptions, streamRequest } from "./streaming.ts";

/** The registration file, which homeserver and bridge share, without its namespaces. */
export interface AppserviceRegistration {
  id: string;
  /** Where the homeserver delivers events to. */
  url: string;
  asToken: string;
  hsToken: string;
  senderLocalpart: string;
  /** Localparts of all ghosts start with this. */
  prefix: string;
}

export interface HomeserverOptions {
  baseUrl: string;
  registration: AppserviceRegistration;
  /** The part of Matrix ids behind the colon. */
  serverName: string;
  logger: Pick<Logger, "debug">;
  registry?: Registry | undefined;
}

export interface RequestOptions {
  /** Full Matrix id of the ghost to act as. Unset: the application service's own sender. */
  asUser?: string | undefined;
  /** The ghost's device to act on. With it the homeserver keeps transaction ids over its restart. */
  device?: string | undefined;
  query?: Record<string, string | number | boolean | undefined> | undefined;
  /** JSON, or bytes with `contentType`. */
  body?: object | Uint8Array | undefined;
  contentType?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Limit for the whole request, the body of the answer included. Default: 30 s. */
  timeoutMs?: number | undefined;
}

export interface Homeserver {
  readonly baseUrl: string;
  readonly serverName: string;
  readonly registration: AppserviceRegistration;
  /** @param path the full, encoded path: `/_matrix/client/v3/…` @throws HomeserverError */
  request<T>(method: HttpMethod, path: string, options?: RequestOptions): Promise<T>;
  /**
   * A request with a file in its body or answer, which is not held in memory. The caller reads or cancels the answer's body.
   * @throws HomeserverError; the error of the request body's source
   */
  stream(method: "GET" | "POST", path: string, options: StreamOptions): Promise<Response>;
  /** The full Matrix id of a localpart here. */
  userId(localpart: string): string;
  /** Makes the account exist, without signing it in. @throws HomeserverError */
  ensureRegistered(localpart: string, timeoutMs?: number): Promise<void>;
  /**
   * Makes a device of the user exist, without a token.
   * @returns false where the homeserver lets no application service make devices: then leave `device` out of requests
   */
  ensureDevice(userId: string, deviceId: string): Promise<boolean>;
}

export type HttpMethod = "GET" | "PUT" | "POST" | "DELETE";

const TIMEOUT_MS = 30_000;
/** The longest that an API waits for one request to the homeserver. */
export const ANSWER_LIMIT_MS = 5_000;

export function createHomeserver(options: HomeserverOptions): Homeserver {
  const { registration, serverName } = options;
  const baseUrl = withoutSlash(options.baseUrl);
  const emitter = new TypedEventEmitter<HttpApiEvent, { [K in HttpApiEvent]: () => void }>();
  const api = new MatrixHttpApi(emitter as ConstructorParameters<typeof MatrixHttpApi>[0], {
    baseUrl,
    prefix: "",
    accessToken: registration.asToken,
    onlyData: true,
    fetchFn: fetchWhole,
    logger: silentLogger(),
  });
  const count = requestCounter(options.registry);
  const userId = (localpart: string) => `@${localpart}:${serverName}`;

  async function request<T>(method: HttpMethod, path: string, more: RequestOptions = {}): Promise<T> {
    const { asUser, device, query, body, contentType } = more;
    const limit = withLimit(more.signal, more.timeoutMs ?? TIMEOUT_MS);
    const headers: Record<string, string> = contentType ? { "Content-Type": contentType } : {};
    const asked = { ...query, user_id: asUser, device_id: device };
    try {
      const answer = await api.authedRequest<T>(METHODS[method], path, defined(asked), body as never, {
        abortSignal: limit.signal,
        headers,
        priority: "auto",
      });
      count(method, "200");
      return answer;
    } catch (error) {
      const failure = asHomeserverError(error, `${method} ${path}`);
      count(method, failure.status === null ? "none" : String(failure.status));
      options.logger.debug(
        { event: "matrix.request_failed", status: failure.status, errcode: failure.errcode },
        failure.message,
      );
      throw failure;
    } finally {
      limit.clear();
    }
  }

  async function stream(method: "GET" | "POST", path: string, more: StreamOptions): Promise<Response> {
    try {
      const answer = await streamRequest({ baseUrl, asToken: registration.asToken }, method, path, more);
      count(method, "200");
      return answer;
    } catch (error) {
      if (error instanceof HomeserverError) count(method, String(error.status ?? "none"));
      throw error;
    }
  }

  return { baseUrl, serverName, registration, request, stream, userId, ...helpers(request) };
}

/**
 * The same homeserver whose requests end with `signal`. `onFailure` is called for each that fails.
 */
export function observeFailures(
  homeserver: Homeserver,
  { signal, onFailure }: { signal: AbortSignal; onFailure: (error: HomeserverError) => void },
): Homeserver {
  async function reporting<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof HomeserverError) onFailure(error);
      throw error;
    }
  }
  const request = <T>(method: HttpMethod, path: string, more: RequestOptions = {}): Promise<T> =>
    reporting(homeserver.request<T>(method, path, { signal, ...more }));
  const stream: Homeserver["stream"] = (method, path, more) =>
    reporting(homeserver.stream(method, path, { signal, ...more }));
  return { ...homeserver, request, stream, ...helpers(request) };
}

function helpers(request: Homeserver["request"]): Pick<Homeserver, "ensureRegistered" | "ensureDevice"> {
  return {
    ensureRegistered: (localpart, timeoutMs) => ensureRegistered(request, localpart, timeoutMs),
    ensureDevice: (user, deviceId) => ensureDevice(request, user, deviceId),
  };
}

const METHODS = { GET: Method.Get, PUT: Method.Put, POST: Method.Post, DELETE: Method.Delete } as const;

/** Reads the body at once, because the SDK ignores the abort signal after the headers. */
async function fetchWhole(...input: Parameters<typeof fetch>): Promise<Response> {
  try {
    const answer = await fetch(...input);
    const bytes = await answer.arrayBuffer();
    return new Response(bytes.byteLength === 0 ? null : bytes, {
      status: answer.status,
      headers: answer.headers,
    });
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    // The SDK keeps only the message of an error, so the reason goes into it.
    throw new Error(reasonOf(error), { cause: error });
  }
}

/** A signal that aborts with `outer` or after `ms`, whichever comes first. */
function withLimit(outer: AbortSignal | undefined, ms: number): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ms);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", abort);
    },
  };
}

function defined(query: Record<string, unknown>): Record<string, string> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function asHomeserverError(error: unknown, request: string): HomeserverError {
  if (error instanceof MatrixError || (error instanceof Error && "httpStatus" in error)) {
    const failure = error as MatrixError;
    const { httpStatus: status = null } = failure;
    const errcode: unknown = failure.errcode;
    const advice =
      errcode === "M_UNKNOWN_TOKEN" ? " (give the homeserver our registration and restart it)" : "";
    const reason = `${failure.data?.error ?? failure.message}${advice}`;
    return new HomeserverError(`${request} answered ${status} ${errcode ?? ""}: ${reason}`, {
      status,
      errcode: typeof errcode === "string" ? errcode : null,
      retryAfterMs: retryAfter(failure),
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new HomeserverError(`${request} got no answer: ${reason}`, { status: null, cause: error });
}

function retryAfter(error: MatrixError): number | null {
  try {
    return error.isRateLimitError() ? error.getRetryAfterMs() : null;
  } catch {
    return null; // The Retry-After is no number: the caller uses its own pause.
  }
}

async function ensureRegistered(
  request: Homeserver["request"],
  localpart: string,
  timeoutMs?: number,
): Promise<void> {
  try {
    // Without inhibit_login, homeservers that delegate sign-in to another service refuse.
    const body = { type: "m.login.application_service", username: localpart, inhibit_login: true };
    await request("POST", "/_matrix/client/v3/register", { body, timeoutMs });
  } catch (error) {
    if (!(error instanceof HomeserverError) || error.errcode !== "M_USER_IN_USE") throw error;
  }
}

async function ensureDevice(
  request: Homeserver["request"],
  userId: string,
  deviceId: string,
): Promise<boolean> {
  try {
    await request("PUT", `/_matrix/client/v3/devices/${encodeURIComponent(deviceId)}`, {
      asUser: userId,
      body: { display_name: "Causeway" },
    });
    return true;
  } catch (error) {
    if (error instanceof HomeserverError && error.status === 404 && error.errcode !== null) return false;
    throw error;
  }
}

function requestCounter(registry: Registry | undefined): (method: string, status: string) => void {
  if (!registry) return () => {};
  const counter = new Counter({
    name: "causeway_matrix_requests_total",
    help: "Requests to the homeserver, by method and status (none: no answer came)",
    labelNames: ["method", "status"],
    registers: [registry],
  });
  return (method, status) => counter.inc({ method, status });
}

/** Without it the SDK prints every request. */
function silentLogger(): SdkLogger {
  const silent = () => {};
  const logger: SdkLogger = {
    trace: silent,
    debug: silent,
    info: silent,
    warn: silent,
    error: silent,
    getChild: () => logger,
  };
  return logger;
}

/** A base URL as it is joined with paths: some programs append `/_matrix/…` without a check, and `//_matrix` is another path. */
export function withoutSlash(url: string): string {
  return url.replace(/(?<!\/)\/+$/, "");
}
