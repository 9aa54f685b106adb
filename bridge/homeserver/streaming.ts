/** Requests to the homeserver with files. Neither the body nor the answer is held in memory. */
import { DomainError } from "../../src/domain/errors.ts";
import { HomeserverError, reasonOf } from "./homeserver-error.ts";

export interface StreamOptions {
  /** Full Matrix id of the ghost to act as. */
  asUser: string;
  query?: Record<string, string>;
  /** Exactly `size` bytes. */
  body?: { stream: ReadableStream<Uint8Array>; size: number; type: string };
  signal?: AbortSignal | undefined;
}

/** Limit for the whole request, the body of the answer included. */
const TIMEOUT_MS = 120_000;

/**
 * Sends one request as the application service. The caller reads or cancels the answer's body.
 * @throws HomeserverError, also for an answer with an error status; the error of the request body's source
 */
export async function streamRequest(
  server: { baseUrl: string; asToken: string },
  method: "GET" | "POST",
  path: string,
  { asUser, query, body, signal }: StreamOptions,
): Promise<Response> {
  const url = new URL(server.baseUrl + path);
  url.search = new URLSearchParams({ ...query, user_id: asUser }).toString();
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const headers: Record<string, string> = { Authorization: `Bearer ${server.asToken}` };
  const source = body && exactly(body.stream, body.size);
  if (body) Object.assign(headers, { "Content-Type": body.type, "Content-Length": String(body.size) });
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      ...(source && { body: source.stream, duplex: "half" as const }),
    });
  } catch (error) {
    throw source?.failure() ?? noAnswer(error, `${method} ${path}`, limit);
  }
  if (!answer.ok) throw await failure(answer, `${method} ${path}`);
  return answer;
}

/** A timeout counts as status 504, not as an outage: the homeserver may only be slow with this file. */
function noAnswer(error: unknown, request: string, limit: AbortSignal): HomeserverError {
  const late = limit.aborted ? { status: 504, errcode: "M_UNKNOWN" } : { status: null };
  return new HomeserverError(`${request} got no answer: ${reasonOf(error)}`, { ...late, cause: error });
}

async function failure(answer: Response, request: string): Promise<HomeserverError> {
  const { errcode, error, retry_after_ms } = await answer
    .json()
    .then((value: unknown) => (value ?? {}) as Record<string, unknown>)
    .catch((): Record<string, unknown> => ({})); // A proxy's answer need not be JSON.
  return new HomeserverError(`${request} answered ${answer.status} ${errcode ?? ""}: ${error ?? ""}`, {
    status: answer.status,
    errcode: typeof errcode === "string" ? errcode : null,
    retryAfterMs: typeof retry_after_ms === "number" ? retry_after_ms : null,
  });
}

/** The same stream, failing when its length is not `size`; `failure` returns the error that it failed with. */
function exactly(source: ReadableStream<Uint8Array>, size: number) {
  let failed: unknown = null;
  async function* chunks() {
    let left = size;
    try {
      for await (const chunk of source) {
        left -= chunk.byteLength;
        if (left < 0) break;
        yield chunk;
      }
      if (left !== 0) throw new Error("a kept file has another size than it should have");
    } catch (cause) {
      failed = new DomainError("unavailable", "A kept file can't be read; try again");
      (failed as DomainError).cause = cause;
      throw failed;
    }
  }
  return { stream: ReadableStream.from(chunks()) as ReadableStream<Uint8Array>, failure: () => failed };
}
