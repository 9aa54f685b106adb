/** HTTP over uWebSockets.js: its request is gone when its callback returns, and its response when it was aborted. */
import type { HttpDoor } from "./http-door.ts";
import {
  announcesTooMuch,
  type Body,
  bodyLimit,
  exchange,
  plainAddress,
  type RawRequest,
  type RawResponse,
  TOO_LARGE,
} from "./http-exchange.ts";
import { IncomingBody } from "./incoming-body.ts";

/** What is used of uWebSockets.js' `HttpRequest` and `HttpResponse`. */
interface UwsRequest {
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  getQuery(): string;
  forEach(each: (name: string, value: string) => void): void;
}
interface UwsResponse {
  onAborted(handler: () => void): unknown;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  getRemoteAddressAsText(): ArrayBuffer;
  cork(write: () => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  end(body?: Uint8Array, closeConnection?: boolean): unknown;
  endWithoutBody(length?: number, closeConnection?: boolean): unknown;
}

export function addressOf(
  res: Pick<UwsResponse, "getRemoteAddressAsText">,
  req: Pick<UwsRequest, "forEach">,
  { clientAddress }: Pick<HttpDoor, "clientAddress">,
): string {
  const seen: string[] = [];
  // Each proxy may have added a header of its own; uWS would give the first.
  req.forEach((name, value) => {
    if (name === "x-forwarded-for") seen.push(value);
  });
  return clientAddress(plainAddress(Buffer.from(res.getRemoteAddressAsText()).toString()), seen.join(","));
}

export function serveUws(res: UwsResponse, req: UwsRequest, door: HttpDoor): void {
  const raw = copyHead(res, req, door);
  const refusal = door.refusal(raw);
  if (refusal) {
    write(res, refusal, true);
    return;
  }
  const leave = door.enter();
  const gaveUp = new AbortController();
  const body = new IncomingBody(bodyLimit(raw), door.budget);
  let refused = false;
  res.onAborted(() => {
    body.release();
    gaveUp.abort();
    leave();
  });
  const answer = async (given: Body, closeConnection: boolean) => {
    const response = await exchange(door.handler, raw, given, gaveUp.signal);
    body.release();
    if (!gaveUp.signal.aborted) write(res, response, closeConnection || door.isLeaving);
    leave();
  };
  // What follows on the connection is a body that nobody wants to read.
  const refuse = (why: Body) => {
    refused = true;
    body.release();
    void answer(why, true);
  };
  if (announcesTooMuch(raw)) refuse(TOO_LARGE);
  res.onData((chunk, isLast) => {
    if (refused || gaveUp.signal.aborted) return;
    // uWS takes the chunk back when this returns.
    const why = chunk.byteLength > 0 ? body.add(Buffer.from(Buffer.from(chunk))) : null;
    if (why) return refuse(why);
    if (isLast) void answer(body.whole(), false);
  });
}

/** Must be called before the request's callback returns. */
export function copyHead(
  res: Pick<UwsResponse, "getRemoteAddressAsText">,
  req: UwsRequest,
  door: Pick<HttpDoor, "clientAddress">,
): RawRequest {
  const query = req.getQuery();
  const headers: RawRequest["headers"] = [];
  req.forEach((name, value) => {
    headers.push([name, value]);
  });
  const target = query ? `${req.getUrl()}?${query}` : req.getUrl();
  return { method: req.getCaseSensitiveMethod(), target, headers, ip: addressOf(res, req, door) };
}

export function write(
  res: Pick<UwsResponse, "cork" | "writeStatus" | "writeHeader" | "end" | "endWithoutBody">,
  { status, headers, body, headOnly }: RawResponse,
  close: boolean,
): void {
  res.cork(() => {
    res.writeStatus(status);
    for (const [name, value] of headers) res.writeHeader(name, value);
    if (!headOnly) res.end(body, close);
    else if (body.length > 0) res.endWithoutBody(body.length, close);
    // An argument that is given counts as a length, also `undefined`.
    else if (close) res.endWithoutBody(0, true);
    else res.endWithoutBody();
  });
}
