/**
 * HTTP on the gateway's port, the same on both transports: what requests and answers are there, and how the handler is
 * asked. served-request.ts holds what happens to one request.
 */
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { fetchHeaders, type RawRequest } from "./head.ts";

export type HttpHandler = (
  request: Request,
  info: { ip: string; requestId?: string; bodyTooLarge?: boolean },
) => Promise<Response>;

/** Nothing else that is served to clients takes more. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** A chatroom with an avatar of 1 MiB as a JSON array of its bytes, with room for spaces and line breaks. */
const MAX_CHATROOM_BYTES = 8 * 1024 * 1024;
const CHATROOMS = /^(\/api\/v1\/chat)?\/chatrooms\/?(\?|$)/;
/** A homeserver's transaction: at most 100 events of 64 KiB, and as many of other kinds. Refusing one stops them all. */
const MAX_TRANSACTION_BYTES = 16 * 1024 * 1024;
const TRANSACTIONS = "/_matrix/app/v1/transactions/";
/** A file of 25 MiB, and what multipart puts around it. */
const MAX_UPLOAD_BYTES = 25 * 1024 * 1024 + 64 * 1024;
const UPLOADS = /^\/(v1\/attachments\/?|uploads\/[^/?]+)(\?|$)/;
/** A longer answer that tells its length is written as its bytes come; others are read whole. */
const MAX_WHOLE_BYTES = 64 * 1024;

/** An answer as the socket layer writes it; it sets `content-length` by itself. */
export interface RawResponse {
  status: string;
  headers: [name: string, value: string][];
  body: Uint8Array;
  /** Of the body, in bytes; that of an answer to HEAD is told and not sent. */
  length: number;
  /** Only the head is sent (HEAD, 204, 304). */
  headOnly: boolean;
}

/** An answer whose body is written as its bytes come: `length` of them. */
export interface StreamedResponse extends Pick<RawResponse, "status" | "headers"> {
  stream: ReadableStream<Uint8Array>;
  length: number;
}

/** Headers that belong to the connection and not to the answer. */
const OF_THE_CONNECTION = new Set(["content-length", "transfer-encoding", "connection", "keep-alive"]);

/** How long the body of a request may be, and whether its bytes are out of memory once the handler took them. */
export function bodyRule({ target }: Pick<RawRequest, "target">): { limit: number; passesOn: boolean } {
  if (UPLOADS.test(target)) return { limit: MAX_UPLOAD_BYTES, passesOn: true };
  if (target.startsWith(TRANSACTIONS)) return { limit: MAX_TRANSACTION_BYTES, passesOn: false };
  return { limit: CHATROOMS.test(target) ? MAX_CHATROOM_BYTES : MAX_BODY_BYTES, passesOn: false };
}

/** What the head of a request says about the length of its body; null: it doesn't. */
export function announcedLength({ headers, method }: Pick<RawRequest, "headers" | "method">): number | null {
  if (method === "GET" || method === "HEAD") return 0;
  const header = (name: string) => headers.find(([given]) => given === name)?.[1];
  if (header("transfer-encoding") !== undefined) return null;
  return Number(header("content-length") ?? 0);
}

/** Of a request: what a proxy or client has put there, when it can stand in a log, else a new one. */
function requestIdOf({ headers }: RawRequest): string {
  const given = headers.find(([name]) => name === "x-request-id")?.[1];
  return given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** The answer with the id of its request, which the lines of the log about it have too. */
export function identified<T extends RawResponse | StreamedResponse>(
  answer: T,
  raw: RawRequest,
  id = requestIdOf(raw),
): T {
  return { ...answer, headers: [...answer.headers, ["x-request-id", id]] };
}

/** Asks the handler. Never rejects: a handler that fails answers 500, and says nothing of why. */
export async function exchange(
  handler: HttpHandler,
  raw: RawRequest,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  bodyTooLarge: boolean,
  signal: AbortSignal,
): Promise<RawResponse | StreamedResponse> {
  const id = requestIdOf(raw);
  return identified(await answerTo(handler, raw, body, { requestId: id, bodyTooLarge }, signal), raw, id);
}

async function answerTo(
  handler: HttpHandler,
  raw: RawRequest,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  { requestId, bodyTooLarge }: { requestId: string; bodyTooLarge: boolean },
  signal: AbortSignal,
): Promise<RawResponse | StreamedResponse> {
  let request: Request;
  try {
    request = fetchRequest(raw, body, signal);
  } catch {
    // The classes of fetch refuse heads that are no request: a broken Host, a method like TRACE.
    return plain(400, "This is no request that can be answered");
  }
  try {
    const response = await handler(request, { ip: raw.ip, requestId, ...(bodyTooLarge && { bodyTooLarge }) });
    return await rawResponse(response, raw.method);
  } catch {
    return plain(500, "The server failed; try again");
  }
}

async function rawResponse(response: Response, method: string): Promise<RawResponse | StreamedResponse> {
  const head = {
    status: statusLine(response.status),
    headers: [...response.headers].filter(([name]) => !OF_THE_CONNECTION.has(name)),
  };
  const length = Number(response.headers.get("content-length") ?? 0);
  if (response.body && length > MAX_WHOLE_BYTES) return { ...head, stream: response.body, length };
  const body = new Uint8Array(await response.arrayBuffer());
  const headOnly = method === "HEAD" || response.status === 204 || response.status === 304;
  return { ...head, body, headOnly, length: body.length || (method === "HEAD" ? length : 0) };
}

export function plain(status: number, text: string): RawResponse {
  const headers: [string, string][] = [["content-type", "text/plain; charset=utf-8"]];
  const body = Buffer.from(`${text}\n`);
  return { status: statusLine(status), headers, body, length: body.length, headOnly: false };
}

function fetchRequest(
  { method, target, headers: list }: RawRequest,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
) {
  if (!target.startsWith("/")) throw new TypeError("The target is no path");
  const headers = fetchHeaders(list);
  // The target is appended, not resolved: resolved, "//elsewhere/" would name another host.
  const url = `http://${headers.get("host") ?? "localhost"}${target}`;
  const takesBody = method !== "GET" && method !== "HEAD";
  // `duplex`: the handler may answer before the body is there.
  return new Request(url, { method, headers, body: takesBody ? body : null, signal, duplex: "half" });
}

export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? "Unknown"}`;
}
