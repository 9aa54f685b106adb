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

export function serveUws(res: UwsResponse, req: UwsRequest, handler: HttpHandler): void {
  const raw = copyHead(res, req);
  const gaveUp = new AbortController();
  res.onAborted(() => gaveUp.abort());
  const answer = async (body: Body, closeConnection: boolean) => {
    const response = await exchange(handler, raw, body, gaveUp.signal);
    if (!gaveUp.signal.aborted) write(res, response, closeConnection);
  };
  const limit = bodyLimit(raw);
  const chunks: Buffer[] = [];
  let size = 0;
  // What follows on the connection is a body that nobody wants to read.
  const refuse = () => {
    size = Number.POSITIVE_INFINITY;
    chunks.length = 0;
    void answer(TOO_LARGE, true);
  };
  if (announcesTooMuch(raw)) refuse();
  res.onData((chunk, isLast) => {
    if (size > limit) return;
    size += chunk.byteLength;
    if (size > limit) return refuse();
    // uWS takes the chunk back when this returns.
    if (chunk.byteLength > 0) chunks.push(Buffer.from(Buffer.from(chunk)));
    if (isLast) void answer(chunks.length > 0 ? Buffer.concat(chunks) : null, false);
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
