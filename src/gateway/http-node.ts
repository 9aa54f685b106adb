/** HTTP over node:http, for the transport on `ws`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  announcesTooMuch,
  bodyLimit,
  exchange,
  type HttpHandler,
  plainAddress,
  type RawRequest,
  type RawResponse,
  tooLarge,
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
  const answer = (answered: RawResponse, closeConnection = false) => {
    if (!gaveUp.signal.aborted) write(response, answered, closeConnection);
  };
  const limit = bodyLimit(raw);
  if (announcesTooMuch(raw)) {
    answer(tooLarge(limit), true);
    return;
  }

  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    if (size > limit) return;
    size += chunk.length;
    if (size > limit) return answer(tooLarge(limit), true);
    chunks.push(chunk);
  });
  request.on("end", () => {
    if (size > limit) return;
    const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
    void exchange(handler, raw, body, gaveUp.signal).then((answered) => answer(answered));
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
