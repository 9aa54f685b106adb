/** What the coordinator asks of its worker processes, and what they answer. Everything crosses a process border as JSON. */

import type { DialectName } from "./dialects/dialects.ts";
import type { SeqFaults } from "./measuring/checker.ts";
import type { OwnLoad } from "./measuring/own-load.ts";
import type { Endpoint } from "./websocket/connection.ts";

export interface ClientSpec {
  token: string;
  rooms: string[];
  /** Not cut by `cut`. */
  stays?: boolean;
}

export interface Orders {
  /** Opens connections and awaits their `ready`; those of earlier orders stay. */
  open: {
    order: {
      dialect: DialectName;
      endpoint: Omit<Endpoint, "path" | "protocol">;
      clients: ClientSpec[];
      /** Connections that may be opening at once. */
      inFlight: number;
    };
    answer: Opened;
  };
  /** How many (client, room) pairs could send, in these rooms or in all. */
  senders: { order: { rooms?: string[] | undefined }; answer: number };
  /** Sends at a steady rate, whatever the server does. */
  send: { order: SendOrder; answer: Sent };
  /** Sends as fast as a window of unanswered sends allows, until so many are acknowledged. */
  fill: { order: FillOrder; answer: Sent };
  /** Only watches connections and its own load. */
  watch: { order: { durationMs: number }; answer: OwnLoad };
  /** Where the rooms stand, as far as this worker can tell. */
  heads: { order: null; answer: Record<string, number> };
  /** Waits until its clients have seen everything up to the heads, and counts what they have not. */
  settle: { order: { heads: Record<string, number>; limitMs: number }; answer: Settled };
  /** Cuts all connections but those that stay. */
  cut: { order: null; answer: { cut: number } };
  /** Connects again what was cut, evenly over `spreadMs`, and awaits every missed event. */
  resume: { order: { inFlight: number; limitMs: number; spreadMs: number }; answer: Recovery };
  /** Closes everything and forgets it. */
  close: { order: null; answer: null };
}
export type OrderName = keyof Orders;

export interface Opened {
  ready: number;
  /** Reasons why connections did not become ready, and how often. */
  failures: Record<string, number>;
  /** From dialling to `ready`; encoded. */
  latency: string;
}

export interface SendOrder {
  /** Messages a second of this worker. */
  rate: number;
  /** On the common clock. */
  startAt: number;
  warmupMs: number;
  durationMs: number;
  /** Characters of a message's text. */
  size: number;
  /** Starts the ids of the messages, so that no two runs share one. */
  idPrefix: string;
  /** Only these rooms; without: all that the clients are in. */
  rooms?: string[];
}
export interface FillOrder {
  room: string;
  count: number;
  window: number;
  size: number;
  idPrefix: string;
  limitMs: number;
}

/** Counts of a window; latencies are encoded histograms of what was meant to be sent within it. */
export interface Sent {
  /** ms between the marks that the counts were taken at. */
  windowMs: number;
  /** Sends that the schedule asked for. */
  intended: number;
  /** Sends that went out. */
  sent: number;
  acked: number;
  delivered: number;
  /** Refused sends by code, over the whole run. */
  refused: Record<string, number>;
  /** Sends without an answer at the end, over the whole run. */
  unanswered: number;
  ackLatency: string;
  deliveryLatency: string;
  /** How late sends went out. */
  lateness: string;
  load: OwnLoad;
}

interface Settled extends SeqFaults {
  /** Connections that the server or the network ended, by code and reason. */
  lost: Record<string, number>;
  /** (client, room) pairs that were looked at. */
  checked: number;
}

export interface Recovery {
  sessions: number;
  /** Sessions whose every room was recovered with proof and whose every missed event came. */
  recovered: number;
  /** Rooms for which the server said `recovered: false`. */
  refusedRooms: number;
  events: number;
  failures: Record<string, number>;
  /** Per session, from the order to its last missed event; encoded. */
  latency: string;
  /** ms from the order to the last recovery. */
  lastMs: number;
  load: OwnLoad;
}

/** Running counts of a worker, several times a second while it sends. */
export interface Sample {
  /** On the common clock. */
  at: number;
  sent: number;
  acked: number;
  delivered: number;
  refused: number;
  /** Sent and not answered. */
  outstanding: number;
}

export type ToWorker = { id: number; name: OrderName; order: unknown };
export type FromWorker = { id: number; answer: unknown } | { id: number; error: string } | { sample: Sample };
