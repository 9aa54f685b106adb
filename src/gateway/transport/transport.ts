/**
 * What the gateway asks of the socket layer. Two twins keep it, transport-uws.ts and transport-ws.ts, and both pass the
 * gateway's whole suite.
 *
 * Guarantees: what is sent and published to one connection arrives in the order of the calls; a connection that
 * subscribes to a topic gets what is published after that call and nothing from before it.
 */

import type { HttpDoor } from "../http/door.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";
import type { Endpoints } from "./endpoint.ts";

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
