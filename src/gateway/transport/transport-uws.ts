/** The transport on uWebSockets.js: sockets, topics and HTTP in its C++. The only file that knows it. */
import type {
  ListenOptions,
  TemplatedApp,
  us_listen_socket,
  WebSocket,
  WebSocketBehavior,
} from "uWebSockets.js";
import type { CodecName } from "../../protocol/subprotocols.ts";
import { READ_HEAD_BYTES } from "../http/head.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";
import { type Endpoint, type EndpointHandlers, judge } from "./endpoint.ts";
import { addressOf, copyHead, serveUws, write } from "./serve-uws.ts";
import { chooseSubprotocol, REFUSAL } from "./subprotocol-choice.ts";
import { SOCKET_PATH, type Transport, type TransportOptions } from "./transport.ts";
import { type Anchor, mountAnchor } from "./uws-anchor.ts";

/** `ListenOptions.LIBUS_LISTEN_EXCLUSIVE_PORT`: the enum is in the typings alone. */
const EXCLUSIVE_PORT = 1;
const MAX_IDLE_S = 960;
const MIN_IDLE_S = 8;

/** Why the addon does not load here, or null. */
export async function uwsFailure(): Promise<Error | null> {
  try {
    await load();
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** uWS takes its bound on request heads from the environment, when it is loaded; its own is 4 KiB. */
async function load() {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(READ_HEAD_BYTES);
  return (await import("uWebSockets.js")).default;
}

/** @throws Error where the addon does not load, or the port is taken */
export async function openUwsTransport(options: TransportOptions): Promise<Transport> {
  const uws = await load();
  const app = uws.App();
  const topics: OwnTopics = { app, made: 0 };
  mountSockets(topics, options);
  const anchor = mountAnchor(app);
  for (const [path, endpoint] of Object.entries(options.endpoints))
    mountEndpoint(topics, path, endpoint, { ...options, anchor });
  app.any("/*", (res, req) => serveUws(res, req, options.http));

  let listening: us_listen_socket | null = await new Promise((resolve, reject) => {
    // Without the option a second server could listen on the same port, and take half of the connections.
    const listen = app.listen as unknown as (
      host: string,
      port: number,
      options: ListenOptions,
      cb: (socket: us_listen_socket | false) => void,
    ) => void;
    listen.call(app, options.host, options.port, EXCLUSIVE_PORT, (socket) => {
      if (socket) resolve(socket);
      else reject(new Error(`${options.host}:${options.port} can't be listened on; is the port taken?`));
    });
  });
  const port = uws.us_socket_local_port(listening as us_listen_socket);
  if (Object.keys(options.endpoints).length > 0) await anchor.drop(options.host, port);
  const stopListening = () => {
    if (listening) uws.us_listen_socket_close(listening);
    listening = null;
  };
  return {
    name: "uws",
    port,
    publish: (topic, frame, isBinary) => {
      app.publish(topic, frame, isBinary);
    },
    stopListening,
    async close() {
      stopListening();
      anchor.close();
      app.close();
    },
  };
}

/** uWS copies the fields of the upgrade into its socket object. */
interface SocketData {
  /** Decides whether bytes are binary frames; those of endpoints are. */
  codec: CodecName;
  ip: string;
  connection: UwsConnection | null;
}

function mountSockets(topics: OwnTopics, options: TransportOptions): void {
  topics.app.ws<SocketData>(SOCKET_PATH, {
    ...behaviour<SocketData>(options),
    sendPingsAutomatically: false,
    upgrade(res, req, context) {
      const choice = chooseSubprotocol(req.getHeader("sec-websocket-protocol"));
      if (!choice) {
        res
          .writeStatus("400 Bad Request")
          .writeHeader("content-type", "text/plain; charset=utf-8")
          .end(REFUSAL);
        return;
      }
      const ip = addressOf(res, req, options.http);
      const data: SocketData = { codec: choice.codec, ip, connection: null };
      const key = req.getHeader("sec-websocket-key");
      res.upgrade(data, key, choice.name ?? "", req.getHeader("sec-websocket-extensions"), context);
    },
    open(ws) {
      const data = ws.getUserData();
      data.connection = new UwsConnection(topics, ws, data.codec, data.ip);
      data.connection.handlers = options.accept(data.connection);
    },
  });
}

interface EndpointData extends SocketData {
  accept(connection: UwsConnection): EndpointHandlers;
}

function mountEndpoint(
  topics: OwnTopics,
  path: string,
  endpoint: Endpoint,
  { anchor, ...options }: TransportOptions & { anchor: Anchor },
): void {
  topics.app.ws<EndpointData>(path, {
    ...behaviour<EndpointData>(options),
    sendPingsAutomatically: true,
    upgrade(res, req, context) {
      let gaveUp = false;
      res.onAborted(() => {
        gaveUp = true;
      });
      const raw = copyHead(res, req, options.http);
      const key = req.getHeader("sec-websocket-key");
      const extensions = req.getHeader("sec-websocket-extensions");
      const refusal = options.http.refusal(raw);
      if (refusal) {
        write(res, refusal, true);
        return;
      }
      void judge(endpoint, raw).then((verdict) => {
        if (!("accept" in verdict)) {
          if (!gaveUp) write(res, verdict, false);
          return;
        }
        if (gaveUp) return verdict.abandon();
        const data: EndpointData = { codec: "msgpack", ip: raw.ip, connection: null, accept: verdict.accept };
        anchor.hold(() => res.upgrade(data, key, "", extensions, context));
      });
    },
    open(ws) {
      const data = ws.getUserData();
      data.connection = new UwsConnection(topics, ws, data.codec, data.ip);
      data.connection.handlers = data.accept(data.connection);
    },
  });
}

/** What is the same on every path. */
function behaviour<Data extends SocketData>(options: TransportOptions): WebSocketBehavior<Data> {
  const connectionOf = (ws: WebSocket<Data>) => ws.getUserData().connection;
  return {
    maxPayloadLength: options.maxFrameBytes,
    maxBackpressure: options.maxBufferedBytes,
    // A boolean in all but name: cuts the connection instead of leaving a message out.
    closeOnBackpressureLimit: 1,
    idleTimeout: Math.min(MAX_IDLE_S, Math.max(MIN_IDLE_S, Math.ceil(options.idleMs / 1_000))),
    message: (ws, bytes, isBinary) => connectionOf(ws)?.handlers?.onFrame(new Uint8Array(bytes), isBinary),
    ping: (ws) => connectionOf(ws)?.handlers?.onSign?.(),
    pong: (ws) => connectionOf(ws)?.handlers?.onSign?.(),
    drain: (ws) => connectionOf(ws)?.handlers?.onDrain?.(),
    close(ws, code) {
      const connection = connectionOf(ws);
      if (connection) connection.closed(code !== ABNORMAL);
    },
  };
}

const ABNORMAL = 1006;

/** Topics with one subscriber: what goes to it by the same way as what is published, in one write per turn and socket. */
interface OwnTopics {
  readonly app: TemplatedApp;
  /** How many there were so far; names them. */
  made: number;
}

class UwsConnection implements Connection {
  readonly codec: CodecName;
  readonly ip: string;
  handlers: (EndpointHandlers & Partial<ConnectionHandlers>) | null = null;
  /** Null once it is closed: uWS throws when a closed socket is used. */
  #ws: WebSocket<unknown> | null;
  readonly #topics: OwnTopics;
  /** Made when it is first needed: idle connections have none. */
  #ownTopic = "";

  constructor(topics: OwnTopics, ws: WebSocket<unknown>, codec: CodecName, ip: string) {
    this.#topics = topics;
    this.#ws = ws;
    this.codec = codec;
    this.ip = ip;
  }

  send(frame: string | Uint8Array): void {
    this.#ws?.send(frame, this.codec === "msgpack" && typeof frame !== "string");
  }
  sendWithPublished(frame: string | Uint8Array): void {
    if (this.#ws === null) return;
    if (this.#ownTopic === "") {
      this.#ownTopic = `own ${this.#topics.made++}`;
      this.#ws.subscribe(this.#ownTopic);
    }
    this.#topics.app.publish(this.#ownTopic, frame, this.codec === "msgpack" && typeof frame !== "string");
  }
  together(work: () => void): void {
    if (this.#ws) this.#ws.cork(work);
    else work();
  }
  subscribe(topic: string): void {
    this.#ws?.subscribe(topic);
  }
  unsubscribe(topic: string): void {
    this.#ws?.unsubscribe(topic);
  }
  buffered(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }
  end(code: number, reason: string): void {
    this.#ws?.end(code, reason);
  }
  cut(): void {
    this.#ws?.close();
  }
  closed(clean: boolean): void {
    this.#ws = null;
    this.handlers?.onClosed(clean);
    this.handlers = null;
  }
}
