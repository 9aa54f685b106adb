/**
 * A burst of sends that survives anything: what was not acknowledged (an error that may be retried, a lost connection)
 * is sent again under the same id until it is.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Ack, ConnectionLost, Refused, type SocketClient } from "./socket-client.ts";

export interface Message {
  id: string;
  room: string;
  text: string;
}

export interface Burst {
  readonly client: SocketClient;
  readonly messages: readonly Message[];
  /** What the server acknowledged, by id. */
  readonly acked: ReadonlyMap<string, Ack>;
  /** How often a send ended without an acknowledgement. */
  readonly retries: () => number;
  /** Sends until everything is acknowledged. */
  run(): Promise<void>;
  /** Calls back after each acknowledgement. */
  onAck(listener: () => void): void;
}

/** How many sends one client has in flight: enough that a kill always catches some. */
const WINDOW = 16;
const RETRY_MS = 50;
const LIMIT_MS = 90_000;

/** `count` messages for the rooms in turn, with texts that say who sent them and in which order. */
export function burst(client: SocketClient, rooms: readonly string[], count: number, label = "b"): Burst {
  const messages = Array.from({ length: count }, (_, index) => ({
    id: `${client.name}-${label}-${index}`,
    room: rooms[index % rooms.length] as string,
    text: `${client.name} ${label} ${index} ${"ž👋".repeat(index % 3)}`.trimEnd(),
  }));
  const queue: Message[] = [...messages];
  const acked = new Map<string, Ack>();
  const listeners: (() => void)[] = [];
  let retries = 0;

  const send = async (message: Message, deadline: number) => {
    for (;;) {
      try {
        acked.set(message.id, await client.send(message.room, message.id, message.text));
        for (const listener of listeners) listener();
        return;
      } catch (error) {
        const fatal = !(error instanceof ConnectionLost) && !(error instanceof Refused && error.retry);
        if (fatal || Date.now() > deadline) throw error;
        retries++;
        await delay((error instanceof Refused && error.retryAfterMs) || RETRY_MS);
      }
    }
  };
  const worker = async () => {
    const deadline = Date.now() + LIMIT_MS;
    for (let message = queue.shift(); message; message = queue.shift()) await send(message, deadline);
  };

  return {
    client,
    messages,
    acked,
    retries: () => retries,
    run: async () => {
      await Promise.all(Array.from({ length: WINDOW }, worker));
    },
    onAck: (listener) => {
      listeners.push(listener);
    },
  };
}

export async function runAll(bursts: readonly Burst[]): Promise<void> {
  await Promise.all(bursts.map((each) => each.run()));
}

export function ackCount(bursts: readonly Burst[]): number {
  return bursts.reduce((sum, each) => sum + each.acked.size, 0);
}

/** Resolves as soon as the bursts together have so many acknowledgements. */
export function acks(bursts: readonly Burst[], wanted: number): Promise<void> {
  return new Promise((done) => {
    const look = () => {
      if (ackCount(bursts) >= wanted) done();
    };
    for (const each of bursts) each.onAck(look);
    look();
  });
}
