/**
 * Messages that the server has not acknowledged. After every loss the client sends them again under the same id. A room has
 * one message under way at a time, so that no message overtakes one that is tried again.
 */
import type { OkFields, Question } from "../protocol/frames.ts";
import { type Backoff, fullJitter } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { ConnectionLost, OutboxFull, Refused } from "./failures.ts";

/** The server's acknowledgement that a message is durable, with its place in the room's log. */
export type Ack = OkFields["send"];
/** A message that is not acknowledged yet. */
export type Outgoing = Omit<Question<"send">, "op">;

interface Unacknowledged {
  message: Outgoing;
  /** Refusals so far that allowed a repetition. */
  refusals: number;
  resolve(ack: Ack): void;
  reject(error: Error): void;
}
interface Queue {
  entries: Unacknowledged[];
  /** `#drain` works on this queue. */
  busy: boolean;
}

export class Outbox {
  readonly #queues = new Map<string, Queue>();
  readonly #limit: number;
  readonly #backoff: Backoff;
  readonly #pauses = new Set<() => void>();
  #connection: Connection | null = null;
  #size = 0;

  /** @param limit messages that may wait for their acknowledgement, in all rooms together */
  constructor(limit: number, backoff: Backoff) {
    this.#limit = limit;
    this.#backoff = backoff;
  }

  /**
   * Queues a message behind the others of its room. Rejects with {@link Refused} when the server refuses it, with
   * {@link OutboxFull}, or with the error of {@link Outbox.fail}.
   */
  add(message: Outgoing): Promise<Ack> {
    if (this.#size >= this.#limit) return Promise.reject(new OutboxFull(this.#limit));
    const queue = this.#queues.get(message.room) ?? { entries: [], busy: false };
    this.#queues.set(message.room, queue);
    this.#size++;
    return new Promise((resolve, reject) => {
      queue.entries.push({ message, refusals: 0, resolve, reject });
      this.#start(message.room, queue);
    });
  }

  /** The unacknowledged messages, in order within each room. */
  waiting(): Outgoing[] {
    return [...this.#queues.values()].flatMap(({ entries }) => entries.map(({ message }) => message));
  }

  /** A session began: sends all waiting messages, those without an answer included. */
  online(connection: Connection): void {
    this.#connection = connection;
    for (const [room, queue] of this.#queues) this.#start(room, queue);
  }

  offline(): void {
    this.#connection = null;
  }

  /** Gives up all waiting messages. */
  fail(error: Error): void {
    const entries = [...this.#queues.values()].flatMap((queue) => queue.entries);
    this.#queues.clear();
    this.#size = 0;
    this.#connection = null;
    for (const wake of this.#pauses) wake();
    for (const { reject } of entries) reject(error);
  }

  #start(room: string, queue: Queue): void {
    if (!queue.busy && this.#connection) void this.#drain(room, queue);
  }

  /** Sends messages until the queue is empty or the connection is gone. Never rejects. */
  async #drain(room: string, queue: Queue): Promise<void> {
    queue.busy = true;
    for (let entry = queue.entries[0]; entry; entry = queue.entries[0]) {
      const connection = this.#connection;
      if (!connection) break;
      try {
        const answer = await connection.ask<"send">({ op: "send", ...entry.message });
        this.#settle(queue, entry)?.resolve(ackOf(answer));
      } catch (error) {
        // A message without an answer stays first, and the next session sends it again.
        if (error instanceof ConnectionLost && this.#connection === connection) break;
        if (!(error instanceof ConnectionLost)) await this.#afterRefusal(queue, entry, error as Error);
      }
    }
    // In the same turn as the last check of the queue, so that `add` sees it idle.
    queue.busy = false;
    if (queue.entries.length === 0 && this.#queues.get(room) === queue) this.#queues.delete(room);
  }

  async #afterRefusal(queue: Queue, entry: Unacknowledged, error: Error): Promise<void> {
    if (error instanceof Refused && isPassing(error)) {
      const waitMs = Math.max(error.retryAfterMs ?? 0, fullJitter(this.#backoff, entry.refusals++));
      await this.#pause(waitMs);
    } else this.#settle(queue, entry)?.reject(error);
  }

  /** Removes the message from its queue; undefined when `fail` gave it up. */
  #settle(queue: Queue, entry: Unacknowledged): Unacknowledged | undefined {
    if (queue.entries[0] !== entry || this.#queues.get(entry.message.room) !== queue) return undefined;
    queue.entries.shift();
    this.#size--;
    return entry;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#pauses.add(wake);
    });
  }
}

function ackOf({ room, seq, at, duplicate }: Ack): Ack {
  return { room, seq, at, ...(duplicate && { duplicate }) };
}

/** Whether the refusal ends by itself soon. A closed lobby may last for hours, so the app gets that refusal. */
function isPassing({ retry, code }: Refused): boolean {
  return retry && code !== "lobby";
}
