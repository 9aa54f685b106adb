/**
 * Messages on their way: kept until the server acknowledged them, said again under the same id after every loss.
 * Within a room one message is under way at a time, because a later one must not overtake one that is tried again.
 */
import type { OkFields } from "../protocol/frames.ts";
import { type Backoff, fullJitter } from "./backoff.ts";
import type { Connection, Question } from "./connection.ts";
import { ConnectionLost, OutboxFull, Refused } from "./failures.ts";

/** The server's word that a message is durable: where it stands in the room's log. */
export type Ack = OkFields["send"];
/** A message that is not acknowledged yet. */
export type Outgoing = Omit<Question<"send">, "op">;

interface Entry {
  message: Outgoing;
  /** Refusals so far that said to try again. */
  refusals: number;
  resolve(ack: Ack): void;
  reject(error: Error): void;
}
interface Queue {
  entries: Entry[];
  /** A pump works on this queue. */
  busy: boolean;
}

export class Outbox {
  readonly #queues = new Map<string, Queue>();
  readonly #limit: number;
  readonly #backoff: Backoff;
  readonly #naps = new Set<() => void>();
  #connection: Connection | null = null;
  #size = 0;

  /** @param limit how many messages may wait for their acknowledgement in all rooms together */
  constructor(limit: number, backoff: Backoff) {
    this.#limit = limit;
    this.#backoff = backoff;
  }

  /**
   * Queues a message behind the others of its room. Rejects with {@link Refused} when the server will not take it,
   * {@link OutboxFull}, or what {@link Outbox.fail} was given.
   */
  add(message: Outgoing): Promise<Ack> {
    if (this.#size >= this.#limit) return Promise.reject(new OutboxFull(this.#limit));
    const queue = this.#queues.get(message.room) ?? { entries: [], busy: false };
    this.#queues.set(message.room, queue);
    this.#size++;
    return new Promise((resolve, reject) => {
      queue.entries.push({ message, refusals: 0, resolve, reject });
      this.#pump(message.room, queue);
    });
  }

  /** What is not acknowledged yet, in order within each room. */
  waiting(): Outgoing[] {
    return [...this.#queues.values()].flatMap(({ entries }) => entries.map(({ message }) => message));
  }

  /** There is a session: says everything that waits, what was lost on the way included. */
  online(connection: Connection): void {
    this.#connection = connection;
    for (const [room, queue] of this.#queues) this.#pump(room, queue);
  }

  offline(): void {
    this.#connection = null;
  }

  /** Gives everything up that waits. */
  fail(error: Error): void {
    const entries = [...this.#queues.values()].flatMap((queue) => queue.entries);
    this.#queues.clear();
    this.#size = 0;
    this.#connection = null;
    for (const wake of this.#naps) wake();
    for (const { reject } of entries) reject(error);
  }

  #pump(room: string, queue: Queue): void {
    if (!queue.busy && this.#connection) void this.#drain(room, queue);
  }

  /** Works until the queue is empty or the connection is gone. Never rejects. */
  async #drain(room: string, queue: Queue): Promise<void> {
    queue.busy = true;
    for (let entry = queue.entries[0]; entry; entry = queue.entries[0]) {
      const connection = this.#connection;
      if (!connection) break;
      try {
        const answer = await connection.ask<"send">({ op: "send", ...entry.message });
        this.#settle(queue, entry)?.resolve(ackOf(answer));
      } catch (error) {
        // A message that was lost on the way stays first: the next session says it again.
        if (error instanceof ConnectionLost && this.#connection === connection) break;
        if (!(error instanceof ConnectionLost)) await this.#afterRefusal(queue, entry, error as Error);
      }
    }
    // In the same turn as the last look at the queue, so that nothing added meanwhile is left lying.
    queue.busy = false;
    if (queue.entries.length === 0 && this.#queues.get(room) === queue) this.#queues.delete(room);
  }

  async #afterRefusal(queue: Queue, entry: Entry, error: Error): Promise<void> {
    if (error instanceof Refused && isPassing(error)) {
      const waitMs = Math.max(error.retryAfterMs ?? 0, fullJitter(this.#backoff, entry.refusals++));
      await this.#nap(waitMs);
    } else this.#settle(queue, entry)?.reject(error);
  }

  /** Takes the entry out; undefined when it was given up already. */
  #settle(queue: Queue, entry: Entry): Entry | undefined {
    if (queue.entries[0] !== entry || this.#queues.get(entry.message.room) !== queue) return undefined;
    queue.entries.shift();
    this.#size--;
    return entry;
  }

  #nap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#naps.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#naps.add(wake);
    });
  }
}

function ackOf({ room, seq, at, duplicate }: Ack): Ack {
  return { room, seq, at, ...(duplicate && { duplicate }) };
}

/** A closed lobby may stay closed for hours: people are told, the others pass by themselves. */
function isPassing({ retry, code }: Refused): boolean {
  return retry && code !== "lobby";
}
