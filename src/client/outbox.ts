/**
 * Writes that the server has not answered. They go out in their order within a room, many at once: the server carries out the
 * sends of a session in the order in which it gets them [GW-5.3]. After a loss the client says them again under the same ids.
 */
import type { OkFields, OkFrame, Question } from "../protocol/frames.ts";
import { FRAME_BURST, FRAMES_PER_SECOND } from "../protocol/limits.ts";
import { type Backoff, DEFAULT_BACKOFF, fullJitter } from "./backoff.ts";
import { withoutHead } from "./commands/commands.ts";
import type { Connection } from "./connection.ts";
import { ConnectionLost, OutboxFull, Refused } from "./failures.ts";

/** The server's acknowledgement that a message is durable, with its place in the room's log. */
export type Ack = OkFields["send"];
/** A message that is not acknowledged yet. */
export type Outgoing = Omit<Question<"send">, "op">;
export type WriteOp = "send" | "edit" | "delete" | "react" | "unreact" | "pin" | "unpin";

const DEFAULT_LIMIT = 1_000;
/** Writes of a room that may be under way at once: at first, and at most. */
const FIRST_WINDOW = 8;
const MAX_WINDOW = 32;
/** Stays below what the server takes [GW-3.6], and leaves room for other frames. */
const BURST = FRAME_BURST / 2;
const PER_SECOND = FRAMES_PER_SECOND * 0.8;

interface Entry {
  question: Question<WriteOp>;
  /** Waits for the next session when this one is lost. */
  isKept: boolean;
  /** Refusals so far that allowed a repetition. */
  refusals: number;
  /** The connection on which the answer is awaited. */
  sentOn: Connection | null;
  resolve(answer: OkFields[WriteOp]): void;
  reject(error: Error): void;
}
interface Queue {
  entries: Entry[];
  /** Entries that may be under way. It grows with every answer, and falls to 1 where one has to be tried again. */
  window: number;
  /** Waits until the server is asked again. */
  isPaused: boolean;
}

export class Outbox {
  readonly #queues = new Map<string, Queue>();
  readonly #limit: number;
  readonly #backoff: Backoff;
  readonly #pace = new Pace(() => this.#pumpAll());
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #connection: Connection | null = null;
  /** Kept entries. */
  #size = 0;

  /** @param limit messages that may wait for their acknowledgement, in all rooms together */
  constructor(limit = DEFAULT_LIMIT, backoff: Backoff = DEFAULT_BACKOFF) {
    this.#limit = limit;
    this.#backoff = backoff;
  }

  /**
   * Queues a message behind the others of its room. Rejects with {@link Refused} when the server refuses it, with
   * {@link OutboxFull}, or with the error of {@link Outbox.fail}.
   */
  add(message: Outgoing): Promise<Ack> {
    if (this.#size >= this.#limit) return Promise.reject(new OutboxFull(this.#limit));
    this.#size++;
    return this.#queue<"send">({ op: "send", ...message }, true);
  }

  /** Queues a write for this session alone: rejects with {@link ConnectionLost} when there is none, or it ends. */
  addOnce<Op extends WriteOp>(question: Question<Op>): Promise<OkFields[Op]> {
    if (!this.#connection) return Promise.reject(new ConnectionLost());
    return this.#queue<Op>(question, false);
  }

  /** The unacknowledged messages, in order within each room. */
  waiting(): Outgoing[] {
    return [...this.#queues.values()].flatMap(({ entries }) =>
      entries
        .filter(({ isKept }) => isKept)
        .map(({ question: { op: _, ...message } }) => message as Outgoing),
    );
  }

  /** A session began: sends all that waits, what has no answer included. */
  online(connection: Connection): void {
    this.offline();
    this.#connection = connection;
    this.#pumpAll();
  }

  offline(): void {
    this.#connection = null;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const [room, queue] of this.#queues) {
      const lost = queue.entries.filter(({ isKept }) => !isKept);
      queue.entries = queue.entries.filter(({ isKept }) => isKept);
      for (const entry of queue.entries) entry.sentOn = null;
      queue.isPaused = false;
      if (queue.entries.length === 0) this.#queues.delete(room);
      for (const { reject } of lost) reject(new ConnectionLost());
    }
  }

  /** Gives up all that waits. */
  fail(error: Error): void {
    const entries = [...this.#queues.values()].flatMap((queue) => queue.entries);
    this.#queues.clear();
    this.#size = 0;
    this.offline();
    this.#pace.stop();
    for (const { reject } of entries) reject(error);
  }

  #queue<Op extends WriteOp>(question: Question<Op>, isKept: boolean): Promise<OkFields[Op]> {
    const { room } = question as Question<WriteOp>;
    const queue = this.#queues.get(room) ?? { entries: [], window: FIRST_WINDOW, isPaused: false };
    this.#queues.set(room, queue);
    return new Promise((resolve, reject) => {
      queue.entries.push({
        question: question as Question<WriteOp>,
        isKept,
        refusals: 0,
        sentOn: null,
        resolve: resolve as Entry["resolve"],
        reject,
      });
      this.#pump(room, queue);
    });
  }

  #pumpAll(): void {
    for (const [room, queue] of this.#queues) this.#pump(room, queue);
  }

  /** Sends as many entries as may be under way. */
  #pump(room: string, queue: Queue): void {
    const connection = this.#connection;
    if (!connection || queue.isPaused) return;
    let underWay = 0;
    for (const entry of queue.entries.slice(0, queue.window)) {
      underWay++;
      if (entry.sentOn !== null) continue;
      // One that is tried again goes alone, so that no later one overtakes it once more.
      if (entry.refusals > 0 && underWay > 1) return;
      if (!this.#pace.take()) return;
      entry.sentOn = connection;
      void this.#send(room, queue, entry, connection);
    }
  }

  /** Never rejects. */
  async #send(room: string, queue: Queue, entry: Entry, connection: Connection): Promise<void> {
    try {
      const answer = withoutHead((await connection.ask(entry.question)) as OkFrame<WriteOp>);
      queue.window = Math.min(MAX_WINDOW, queue.window + 1);
      this.#settle(room, queue, entry)?.resolve(answer);
    } catch (error) {
      // What has no answer stays, and the next session sends it again.
      if (error instanceof ConnectionLost || entry.sentOn !== connection) return;
      if (isPassing(error)) this.#tryAgain(room, queue, entry, error);
      else this.#settle(room, queue, entry)?.reject(error as Error);
    }
    this.#pump(room, queue);
  }

  #tryAgain(room: string, queue: Queue, entry: Entry, { retryAfterMs = 0 }: Refused): void {
    entry.sentOn = null;
    queue.window = 1;
    queue.isPaused = true;
    const waitMs = Math.max(retryAfterMs, fullJitter(this.#backoff, entry.refusals++));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      queue.isPaused = false;
      this.#pump(room, queue);
    }, waitMs);
    this.#timers.add(timer);
  }

  /** Removes the entry from its queue; undefined when it is not there any more. */
  #settle(room: string, queue: Queue, entry: Entry): Entry | undefined {
    const index = queue.entries.indexOf(entry);
    if (index === -1 || this.#queues.get(room) !== queue) return undefined;
    queue.entries.splice(index, 1);
    if (entry.isKept) this.#size--;
    if (queue.entries.length === 0) this.#queues.delete(room);
    return entry;
  }
}

/** Hands out turns: {@link BURST} at once, and {@link PER_SECOND} each second. */
class Pace {
  readonly #onTurn: () => void;
  #turns = BURST;
  #countedAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onTurn called when there is a turn again, after {@link Pace.take} had none */
  constructor(onTurn: () => void) {
    this.#onTurn = onTurn;
  }

  take(): boolean {
    const now = Date.now();
    // A clock that was set back gives no turns and takes none.
    const gained = (Math.max(0, now - this.#countedAt) / 1_000) * PER_SECOND;
    this.#turns = Math.min(BURST, this.#turns + gained);
    this.#countedAt = now;
    if (this.#turns >= 1) {
      this.#turns--;
      return true;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onTurn();
    }, 1_000 / PER_SECOND);
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether the refusal ends by itself soon. A closed lobby may last for hours, so the app gets that refusal. */
function isPassing(error: unknown): error is Refused {
  return error instanceof Refused && error.retry && error.code !== "lobby";
}
