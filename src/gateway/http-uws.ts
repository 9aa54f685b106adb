/** HTTP over uWebSockets.js: its request is gone when its callback returns, and its response when it was aborted. */
import {
  announcesTooMuch,
  type Body,
  bodyLimit,
  exchange,
  type HttpHandler,
  plainAddress,
  type RawRequest,
  type RawResponse,
  TOO_LARGE,
} from "./http-exchange.ts";
import { type BodyBudget, IncomingBody } from "./incoming-body.ts";

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

export function addressOf(res: Pick<UwsResponse, "getRemoteAddressAsText">): string {
  return plainAddress(Buffer.from(res.getRemoteAddressAsText()).toString());
}

export function serveUws(res: UwsResponse, req: UwsRequest, handler: HttpHandler, budget: BodyBudget): void {
  const raw = copyHead(res, req);
  const gaveUp = new AbortController();
  const body = new IncomingBody(bodyLimit(raw), budget);
  let refused = false;
  res.onAborted(() => {
    body.release();
    gaveUp.abort();
  });
  const answer = async (given: Body, closeConnection: boolean) => {
    const response = await exchange(handler, raw, given, gaveUp.signal);
    body.release();
    if (!gaveUp.signal.aborted) write(res, response, closeConnection);
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
export function copyHead(res: Pick<UwsResponse, "getRemoteAddressAsText">, req: UwsRequest): RawRequest {
  const query = req.getQuery();
  const headers: RawRequest["headers"] = [];
  req.forEach((name, value) => {
    headers.push([name, value]);
  });
  const target = query ? `${req.getUrl()}?${query}` : req.getUrl();
  return { method: req.getCaseSensitiveMethod(), target, headers, ip: addressOf(res) };
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
