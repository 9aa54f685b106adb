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
import { type BodyBudget, IncomingBody } from "./incoming-body.ts";

export function addressOf(request: IncomingMessage): string {
  return plainAddress(request.socket.remoteAddress ?? "");
}

export function serveNode(
  request: IncomingMessage,
  response: ServerResponse,
  handler: HttpHandler,
  budget: BodyBudget,
): void {
  const raw = copyHead(request);
  const gaveUp = new AbortController();
  const body = new IncomingBody(bodyLimit(raw), budget);
  let refused = false;
  response.once("close", () => {
    body.release();
    if (!response.writableFinished) gaveUp.abort();
  });
  const answer = async (given: Body, closeConnection: boolean) => {
    const answered = await exchange(handler, raw, given, gaveUp.signal);
    body.release();
    if (!gaveUp.signal.aborted) write(response, answered, closeConnection);
  };
  // What follows on the connection is a body that nobody wants to read.
  const refuse = (why: Body) => {
    refused = true;
    body.release();
    void answer(why, true);
  };
  if (announcesTooMuch(raw)) refuse(TOO_LARGE);
  request.on("data", (chunk: Buffer) => {
    if (refused || gaveUp.signal.aborted) return;
    const why = body.add(chunk);
    if (why) refuse(why);
  });
  request.on("end", () => {
    if (!refused) void answer(body.whole(), false);
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
