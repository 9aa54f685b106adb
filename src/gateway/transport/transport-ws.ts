/** The transport on node:http and `ws`, for machines where the addon of the other one does not load. */
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { CodecName } from "../../protocol/subprotocols.ts";
import { plain, type RawResponse } from "../http/exchange.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";
import { type Endpoint, type EndpointHandlers, judge } from "./endpoint.ts";
import { addressOf, copyHead, createNodeServer, stopListening } from "./serve-node.ts";
import { type Choice, chooseSubprotocol, REFUSAL } from "./subprotocol-choice.ts";
import { SOCKET_PATH, type Transport, type TransportOptions } from "./transport.ts";

type Topics = Map<string, Set<WsConnection>>;

/** Pings that a silent client of an endpoint gets within the time after which it would be cut. */
const PINGS_PER_IDLE = 3;

/** @throws Error when the port is taken */
export async function openWsTransport(options: TransportOptions): Promise<Transport> {
  const topics: Topics = new Map();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxFrameBytes,
    perMessageDeflate: false,
    handleProtocols: (_offered, request) => choiceOf(request)?.name ?? false,
  });
  const server = createNodeServer(options.http);
  server.on("upgrade", (request, socket: Socket, head) => {
    socket.on("error", () => socket.destroy());
    const endpoint = options.endpoints[pathOf(request)];
    if (endpoint) return void serveEndpoint(endpoint, request, socket, head);
    const refusal = refusalOf(request);
    if (refusal) return refuse(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const connection = open(ws, request, socket, (choiceOf(request) as Choice).codec);
      connection.listen(options.accept(connection));
    });
  });

  function open(ws: WebSocket, request: IncomingMessage, socket: Socket, codec: CodecName): WsConnection {
    const connection = new WsConnection({
      ws,
      socket,
      codec,
      ip: addressOf(request, options.http),
      topics,
      ...options,
    });
    socket.setTimeout(options.idleMs, () => connection.cut());
    return connection;
  }

  const pinged = new Set<WebSocket>();
  const pings = setInterval(() => {
    for (const ws of pinged) ws.ping();
  }, options.idleMs / PINGS_PER_IDLE);
  pings.unref();

  async function serveEndpoint(
    endpoint: Endpoint,
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
  ): Promise<void> {
    const raw = copyHead(request, options.http);
    const verdict = options.http.refusal(raw) ?? (await judge(endpoint, raw));
    if (!("accept" in verdict)) return refuse(socket, verdict);
    if (socket.destroyed) return verdict.abandon();
    socket.once("close", verdict.abandon);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      socket.off("close", verdict.abandon);
      // Bytes are binary frames.
      const connection = open(ws, request, socket, "msgpack");
      pinged.add(ws);
      ws.once("close", () => pinged.delete(ws));
      connection.listen(verdict.accept(connection));
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    name: "ws",
    port: (server.address() as AddressInfo).port,
    publish(topic, frame, isBinary) {
      const members = topics.get(topic);
      if (!members) return;
      const bytes = typeof frame === "string" ? Buffer.from(frame) : frame;
      for (const connection of members) connection.pass(bytes, isBinary);
    },
    stopListening: () => stopListening(server),
    async close() {
      clearInterval(pings);
      stopListening(server);
      for (const ws of sockets.clients) ws.terminate();
      server.closeAllConnections();
    },
  };
}

function choiceOf(request: IncomingMessage): Choice | null {
  return chooseSubprotocol(request.headers["sec-websocket-protocol"]);
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?")[0] ?? "";
}

function refusalOf(request: IncomingMessage): RawResponse | null {
  if (pathOf(request) !== SOCKET_PATH) return plain(404, `WebSockets are served at ${SOCKET_PATH}`);
  return choiceOf(request) ? null : plain(400, REFUSAL.trimEnd());
}

function refuse(socket: Socket, { status, headers, body }: RawResponse): void {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(
    `HTTP/1.1 ${status}\r\n${lines}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const ABNORMAL = 1006;

class WsConnection implements Connection {
  readonly codec: CodecName;
  readonly ip: string;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #allTopics: Topics;
  readonly #topics = new Set<string>();
  readonly #maxBufferedBytes: number;
  #handlers: (EndpointHandlers & Partial<ConnectionHandlers>) | null = null;
  #wasFull = false;

  constructor(given: {
    ws: WebSocket;
    socket: Socket;
    codec: CodecName;
    ip: string;
    topics: Topics;
    maxBufferedBytes: number;
  }) {
    this.#ws = given.ws;
    this.#socket = given.socket;
    this.codec = given.codec;
    this.ip = given.ip;
    this.#allTopics = given.topics;
    this.#maxBufferedBytes = given.maxBufferedBytes;
  }

  listen(handlers: EndpointHandlers & Partial<ConnectionHandlers>): void {
    this.#handlers = handlers;
    this.#ws.on("message", (data: Buffer, isBinary) => handlers.onFrame(data, isBinary));
    this.#ws.on("ping", () => handlers.onSign?.());
    this.#ws.on("pong", () => handlers.onSign?.());
    this.#ws.on("error", () => {
      // Broken frames end the connection; the close event follows and says so.
    });
    this.#ws.on("close", (code) => this.#closed(code !== ABNORMAL));
  }

  send(frame: string | Uint8Array): void {
    this.pass(frame, this.codec === "msgpack" && typeof frame !== "string");
  }
  pass(frame: string | Uint8Array, isBinary: boolean): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#ws.bufferedAmount > this.#maxBufferedBytes) {
      this.cut();
      return;
    }
    this.#ws.send(frame, { binary: isBinary }, this.#onWritten);
    if (this.#ws.bufferedAmount > 0) this.#wasFull = true;
  }
  sendWithPublished(frame: string | Uint8Array): void {
    this.send(frame);
  }
  together(work: () => void): void {
    this.#socket.cork();
    work();
    this.#socket.uncork();
  }
  subscribe(topic: string): void {
    if (this.#handlers === null) return;
    let members = this.#allTopics.get(topic);
    if (!members) {
      members = new Set();
      this.#allTopics.set(topic, members);
    }
    members.add(this);
    this.#topics.add(topic);
  }
  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    const members = this.#allTopics.get(topic);
    members?.delete(this);
    if (members?.size === 0) this.#allTopics.delete(topic);
  }
  buffered(): number {
    return this.#ws.bufferedAmount;
  }
  end(code: number, reason: string): void {
    this.#ws.close(code, reason);
    this.#closed(true);
  }
  cut(): void {
    this.#ws.terminate();
    this.#closed(false);
  }

  readonly #onWritten = (): void => {
    if (!this.#wasFull || this.#ws.bufferedAmount > 0) return;
    this.#wasFull = false;
    this.#handlers?.onDrain?.();
  };

  #closed(clean: boolean): void {
    const handlers = this.#handlers;
    this.#handlers = null;
    for (const topic of this.#topics) this.unsubscribe(topic);
    handlers?.onClosed(clean);
  }
}
