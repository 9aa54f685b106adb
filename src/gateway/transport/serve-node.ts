/** HTTP over node:http, for the transport on `ws`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import type { HttpDoor } from "../http/door.ts";
import type { RawResponse, StreamedResponse } from "../http/exchange.ts";
import { type RawRequest, READ_HEAD_BYTES } from "../http/head.ts";
import { ServedRequest, type Wire } from "../http/served-request.ts";

/** A head that is not whole after this time ends its connection, which is looked at this often. */
const HEAD_WITHIN_MS = 10_000;
const LOOKED_AT_EVERY_MS = 2_000;

/** A server that answers requests through the door; what upgrades is left to its caller. */
export function createNodeServer(door: HttpDoor): Server {
  const bounds = {
    maxHeaderSize: READ_HEAD_BYTES,
    headersTimeout: HEAD_WITHIN_MS,
    // Bodies have a pace of their own.
    requestTimeout: 0,
    connectionsCheckingInterval: LOOKED_AT_EVERY_MS,
  };
  const server = createServer(bounds, (request, response) => serveNode(request, response, door));
  server.on("checkContinue", (request, response) => serveNode(request, response, door, true));
  // Also each connection that can't be accepted while descriptors are used up; whoever listens hears of a taken port.
  server.on("error", () => {});
  return server;
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
  return clientAddress(socket.remoteAddress ?? "", forwardedFor?.toString());
}

/** @param expects the client waits to be asked for the body (`Expect: 100-continue`) */
function serveNode(
  request: IncomingMessage,
  response: ServerResponse,
  door: HttpDoor,
  expects = false,
): void {
  const raw = copyHead(request, door);
  const wire = new NodeWire(request, response, expects);
  const refusal = door.refusal(raw);
  if (refusal) {
    wire.end(refusal, true);
    return;
  }
  const leave = door.enter();
  const served = new ServedRequest(raw, wire, door);
  response.once("close", () => {
    leave();
    if (!response.writableFinished) served.gone();
  });
  request.on("data", (chunk: Buffer) => served.data(chunk));
  request.on("end", () => served.ended());
  for (const one of [request, response]) one.on("error", () => {}); // The response closes, too.
  served.start();
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

class NodeWire implements Wire {
  readonly outlivesAnswer = true;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #expects: boolean;
  /** Resolves what waits for the peer. */
  #passed: (() => void) | null = null;

  constructor(request: IncomingMessage, response: ServerResponse, expects: boolean) {
    this.#request = request;
    this.#response = response;
    this.#expects = expects;
    const goOn = () => this.#passed?.();
    response.on("drain", goOn).on("close", goOn);
  }

  flow(go: boolean): void {
    if (!go) return void this.#request.pause();
    if (this.#expects) this.#response.writeContinue();
    this.#expects = false;
    this.#request.resume();
  }
  end(answer: RawResponse, close: boolean): void {
    const { body, length, headOnly } = answer;
    this.#head(answer, close);
    if (!headOnly || length > 0) this.#response.setHeader("content-length", length);
    this.#response.end(headOnly ? undefined : body);
  }
  begin(answer: StreamedResponse, close: boolean): void {
    this.#head(answer, close);
    this.#response.setHeader("content-length", answer.length);
  }
  async pass(chunk: Uint8Array): Promise<void> {
    if (this.#response.write(chunk) || this.#response.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#passed = resolve;
    });
  }
  finish(): void {
    this.#response.end();
  }
  cut(): void {
    // Not the response: a finished one has let go of the connection, over which the rest of the body still comes.
    this.#request.socket.destroy();
  }

  #head({ status, headers }: Pick<RawResponse, "status" | "headers">, close: boolean): void {
    for (const [name, value] of headers) this.#response.appendHeader(name, value);
    // A client that was not asked for its body may send it or not: what follows can't be told.
    if (close || this.#expects) this.#response.setHeader("connection", "close");
    this.#response.statusCode = Number.parseInt(status, 10);
    this.#request.resume();
  }
}
