/** HTTP over node:http, for the transport on `ws`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
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
import { READ_HEAD_BYTES } from "./http-head.ts";
import { IncomingBody } from "./incoming-body.ts";

/** A head that is not whole after this time ends its connection, which is looked at this often. */
const HEAD_WITHIN_MS = 10_000;
const LOOKED_AT_EVERY_MS = 2_000;

/** A server that answers requests through the door; what upgrades is left to its caller. */
export function createNodeServer(door: HttpDoor): Server {
  const bounds = {
    maxHeaderSize: READ_HEAD_BYTES,
    headersTimeout: HEAD_WITHIN_MS,
    connectionsCheckingInterval: LOOKED_AT_EVERY_MS,
  };
  return createServer(bounds, (request, response) => serveNode(request, response, door));
}

/** Unlike node:http's own `close` it leaves connections that wait for their next request: that one is answered. */
export function stopListening(server: Server): void {
  NetServer.prototype.close.call(server);
}

export function addressOf(
  { socket, headers }: IncomingMessage,
  { clientAddress }: Pick<HttpDoor, "clientAddress">,
): string {
  const forwardedFor = headers["x-forwarded-for"];
  return clientAddress(plainAddress(socket.remoteAddress ?? ""), forwardedFor?.toString());
}

function serveNode(request: IncomingMessage, response: ServerResponse, door: HttpDoor): void {
  const raw = copyHead(request, door);
  const refusal = door.refusal(raw);
  if (refusal) {
    write(response, refusal, true);
    return;
  }
  const leave = door.enter();
  const gaveUp = new AbortController();
  const body = new IncomingBody(bodyLimit(raw), door.budget);
  let refused = false;
  response.once("close", () => {
    body.release();
    leave();
    if (!response.writableFinished) gaveUp.abort();
  });
  const answer = async (given: Body, closeConnection: boolean) => {
    const answered = await exchange(door.handler, raw, given, gaveUp.signal);
    body.release();
    if (!gaveUp.signal.aborted) write(response, answered, closeConnection || door.isLeaving);
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

export function copyHead(request: IncomingMessage, door: Pick<HttpDoor, "clientAddress">): RawRequest {
  const headers: RawRequest["headers"] = [];
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.push([(rawHeaders[at] as string).toLowerCase(), rawHeaders[at + 1] as string]);
  }
  return {
    method: request.method ?? "GET",
    target: request.url ?? "/",
    headers,
    ip: addressOf(request, door),
  };
}

function write(response: ServerResponse, answered: RawResponse, close: boolean): void {
  const { status, headers, body, headOnly } = answered;
  for (const [name, value] of headers) response.appendHeader(name, value);
  if (close) response.setHeader("connection", "close");
  response.statusCode = Number.parseInt(status, 10);
  if (!headOnly || body.length > 0) response.setHeader("content-length", body.length);
  response.end(headOnly ? undefined : body);
}
