/**
 * What the gateway asks of the socket layer. Two twins keep it, transport-uws.ts and transport-ws.ts, and both pass the
 * gateway's whole suite.
 *
 * Guarantees: what is sent and published to one connection arrives in the order of the calls; a connection that
 * subscribes to a topic gets what is published after that call and nothing from before it.
 */
import type { CodecName } from "../protocol/subprotocols.ts";
import type { Endpoints } from "./endpoint.ts";
import type { HttpDoor } from "./http-door.ts";

export interface Connection {
  readonly codec: CodecName;
  /** The client's address, behind proxies that are trusted; IPv4 where it is one. */
  readonly ip: string;
  /** Text goes out as a text frame and bytes as the codec says; after the end of the connection this does nothing. */
  send(frame: string | Uint8Array): void;
  /** As `send`, together with what is published to the connection in this turn of the event loop, where that can be. */
  sendWithPublished(frame: string | Uint8Array): void;
  /** What `work` sends goes out together: one call of the system instead of one per frame. */
  together(work: () => void): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Bytes that wait for the peer to read. */
  buffered(): number;
  /** Says why, and ends after what was sent before. `onClosed` is called in the same turn. */
  end(code: number, reason: string): void;
  /** Ends at once. */
  cut(): void;
}

/** What the gateway hangs on a connection. */
export interface ConnectionHandlers {
  /** `bytes` are valid until this returns. `isBinary`: the peer used a binary frame. */
  onFrame(bytes: Uint8Array, isBinary: boolean): void;
  /** A ping or pong of the WebSocket protocol came. */
  onSign(): void;
  /** Less waits for the peer than before. */
  onDrain(): void;
  /** Called once. `clean`: the peer said goodbye, or we did. */
  onClosed(clean: boolean): void;
}

export interface TransportOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** A longer frame cuts the connection. */
  maxFrameBytes: number;
  /** Bytes that may wait for a peer; beyond it the connection is cut. */
  maxBufferedBytes: number;
  /** A connection that is ending, or that nothing comes from, is cut after this time. */
  idleMs: number;
  accept(connection: Connection): ConnectionHandlers;
  /** WebSockets of other APIs. The server pings them, so that silent clients stay. */
  endpoints: Endpoints;
  /** Answers everything that is not a WebSocket on /ws or on an endpoint's path. */
  http: HttpDoor;
}

export interface Transport {
  readonly name: "uws" | "ws";
  readonly port: number;
  /** One frame to all connections that are subscribed. */
  publish(topic: string, frame: string | Uint8Array, isBinary: boolean): void;
  /** Takes no new connections; those that there are live on, those of HTTP too. */
  stopListening(): void;
  /** Cuts whatever is left. */
  close(): Promise<void>;
}

export const SOCKET_PATH = "/ws";
