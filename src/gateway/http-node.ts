/** HTTP over node:http, for the transport on `ws`. */
import type { IncomingMessage, ServerResponse } from "node:http";
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

export function addressOf(request: IncomingMessage): string {
  return plainAddress(request.socket.remoteAddress ?? "");
}

export function serveNode(request: IncomingMessage, response: ServerResponse, handler: HttpHandler): void {
  const raw = copyHead(request);
  const gaveUp = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gaveUp.abort();
  });
  const answer = async (body: Body, closeConnection: boolean) => {
    const answered = await exchange(handler, raw, body, gaveUp.signal);
    if (!gaveUp.signal.aborted) write(response, answered, closeConnection);
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
  request.on("data", (chunk: Buffer) => {
    if (size > limit) return;
    size += chunk.length;
    if (size > limit) return refuse();
    chunks.push(chunk);
  });
  request.on("end", () => {
    if (size <= limit) void answer(chunks.length > 0 ? Buffer.concat(chunks) : null, false);
  });
}

export function copyHead(request: IncomingMessage): RawRequest {
  const headers: RawRequest["headers"] = [];
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.push([(rawHeaders[at] as string).toLowerCase(), rawHeaders[at + 1] as string]);
  }
  return { method: request.method ?? "GET", target: request.url ?? "/", headers, ip: addressOf(request) };
}

function write(response: ServerResponse, answered: RawResponse, close: boolean): void {
  const { status, headers, body, headOnly } = answered;
  for (const [name, value] of headers) response.appendHeader(name, value);
  if (close) response.setHeader("connection", "close");
  response.statusCode = Number.parseInt(status, 10);
  if (!headOnly || body.length > 0) response.setHeader("content-length", body.length);
  response.end(headOnly ? undefined : body);
}
