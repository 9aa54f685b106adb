/**
 * HTTP on the gateway's port, the same on both transports: a request is read whole, within a bound, before the handler
 * sees it, and one beyond the bound is shown to the handler without its body, to be refused in the API's own words; a
 * request that its client gave up is aborted; answers are written whole.
 */
import { STATUS_CODES } from "node:http";
import { fetchHeaders } from "./http-head.ts";

export type HttpHandler = (
  request: Request,
  info: { ip: string; bodyTooLarge?: boolean },
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
const UPLOADS = /^\/v1\/attachments\/?(\?|$)/;

/** A request as the socket layer has it. */
export interface RawRequest {
  /** In the case of the wire: methods are case-sensitive. */
  method: string;
  /** Path and query. */
  target: string;
  headers: [name: string, value: string][];
  ip: string;
}

/** An answer as the socket layer writes it; it sets `content-length` by itself. */
export interface RawResponse {
  status: string;
  headers: [name: string, value: string][];
  body: Uint8Array;
  /** Only the head is sent (HEAD, 204, 304). */
  headOnly: boolean;
}

/** Headers that belong to the connection and not to the answer. */
const OF_THE_CONNECTION = new Set(["content-length", "transfer-encoding", "connection", "keep-alive"]);

/** How long the body of a request may be. */
export function bodyLimit({ target }: Pick<RawRequest, "target">): number {
  if (target.startsWith(TRANSACTIONS)) return MAX_TRANSACTION_BYTES;
  if (CHATROOMS.test(target)) return MAX_CHATROOM_BYTES;
  return UPLOADS.test(target) ? MAX_UPLOAD_BYTES : MAX_BODY_BYTES;
}

/** Whether the head of a request announces a longer body than may come. */
export function announcesTooMuch({ headers, target }: Pick<RawRequest, "headers" | "target">): boolean {
  const length = headers.find(([name]) => name === "content-length")?.[1];
  return length !== undefined && !(Number(length) <= bodyLimit({ target }));
}

/** A body that is longer than what is taken, and was not kept. */
export const TOO_LARGE = Symbol("a body that is too large");
/** A body that there is no room for now. */
export const BUSY = Symbol("a body too many");
export type Body = Uint8Array | null | typeof TOO_LARGE | typeof BUSY;

/** Asks the handler. Never rejects: a handler that fails answers 500, and says nothing of why. */
export async function exchange(
  handler: HttpHandler,
  raw: RawRequest,
  body: Body,
  signal: AbortSignal,
): Promise<RawResponse> {
  if (body === BUSY) return plain(503, "Too many large requests are under way; try again");
  const bodyTooLarge = body === TOO_LARGE;
  let request: Request;
  try {
    request = fetchRequest(raw, bodyTooLarge ? null : body, signal);
  } catch {
    // The classes of fetch refuse heads that are no request: a broken Host, a method like TRACE.
    return plain(400, "This is no request that can be answered");
  }
  try {
    const response = await handler(request, { ip: raw.ip, ...(bodyTooLarge && { bodyTooLarge }) });
    const headers = [...response.headers].filter(([name]) => !OF_THE_CONNECTION.has(name));
    const headOnly = raw.method === "HEAD" || response.status === 204 || response.status === 304;
    return {
      status: statusLine(response.status),
      headers,
      body: new Uint8Array(await response.arrayBuffer()),
      headOnly,
    };
  } catch {
    return plain(500, "The server failed; try again");
  }
}

export function plain(status: number, text: string): RawResponse {
  const headers: [string, string][] = [["content-type", "text/plain; charset=utf-8"]];
  return { status: statusLine(status), headers, body: Buffer.from(`${text}\n`), headOnly: false };
}

function fetchRequest(
  { method, target, headers: list }: RawRequest,
  body: Uint8Array | null,
  signal: AbortSignal,
) {
  if (!target.startsWith("/")) throw new TypeError("The target is no path");
  const headers = fetchHeaders(list);
  // The target is appended, not resolved: resolved, "//elsewhere/" would name another host.
  const url = `http://${headers.get("host") ?? "localhost"}${target}`;
  const takesBody = method !== "GET" && method !== "HEAD";
  return new Request(url, { method, headers, body: takesBody ? body : null, signal });
}

export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? "Unknown"}`;
}

/** The address as people write it: IPv4 also where it comes wrapped in IPv6. */
export function plainAddress(address: string): string {
  const mapped = /^(?:(?:0{1,4}:){5}|::)ffff:(.+)$/i.exec(address)?.[1];
  if (mapped === undefined || mapped.includes(".")) return mapped ?? address;
  const [high = 0, low = 0] = mapped.split(":").map((part) => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
