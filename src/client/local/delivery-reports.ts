/** Tells the server how far the device keeps the events of its rooms [GW-6.9], once for all that came within a while. */
import { LIMITS } from "../../protocol/limits.ts";
import { Refused } from "../failures.ts";

/** Reports are this far apart, ms. */
const EVERY_MS = 1_000;

export interface DeliveryHandlers {
  /** Resolves when what was applied is in the store. */
  stored(): Promise<void>;
  /** Says the seqs of rooms. Rejects when that failed. */
  say(rooms: Record<string, number>): Promise<unknown>;
}

export class DeliveryReports {
  readonly #handlers: DeliveryHandlers;
  #rooms = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOnline = false;

  constructor(handlers: DeliveryHandlers) {
    this.#handlers = handlers;
  }

  /** A message of somebody else was applied, up to this seq. */
  note(room: string, seq: number): void {
    this.#rooms.set(room, seq);
    this.#plan();
  }

  left(room: string): void {
    this.#rooms.delete(room);
  }

  online(): void {
    this.#isOnline = true;
    this.#plan();
  }

  offline(): void {
    this.#isOnline = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(): void {
    if (!this.#isOnline || this.#rooms.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#report().catch(() => undefined);
    }, EVERY_MS);
  }

  async #report(): Promise<void> {
    const said = [...this.#rooms].slice(0, LIMITS.DELIVERED_ROOMS);
    try {
      await this.#handlers.stored();
      await this.#handlers.say(Object.fromEntries(said)).catch((error: unknown) => {
        // Rooms that the user has left, say: a repetition would be refused, too.
        if (!(error instanceof Refused) || error.retry) throw error;
      });
      for (const [room, seq] of said) if (this.#rooms.get(room) === seq) this.#rooms.delete(room);
    } finally {
      // What failed is said with what comes next, or in the next session.
      this.#timer = undefined;
      if (this.#rooms.size > said.length) this.#plan();
    }
  }
}
