/**
 * The body of a request while it comes in, on either transport: within its own bound, and all that are under way within
 * one bound for the whole server, because nobody has proved who they are before their body is there.
 */
import { type Body, BUSY, TOO_LARGE } from "./http-exchange.ts";

/** Ten uploads of the largest size side by side. */
const MOST_BYTES = 256 * 1024 * 1024;

/** What all requests under way hold together. */
export class BodyBudget {
  #held = 0;

  take(bytes: number): boolean {
    if (this.#held + bytes > MOST_BYTES) return false;
    this.#held += bytes;
    return true;
  }
  giveBack(bytes: number): void {
    this.#held -= bytes;
  }
}

export class IncomingBody {
  readonly #limit: number;
  readonly #budget: BodyBudget;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number, budget: BodyBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  /** Keeps a chunk, which must stay as it is. @returns why the body is refused, else null */
  add(chunk: Uint8Array): typeof TOO_LARGE | typeof BUSY | null {
    if (this.#size + chunk.byteLength > this.#limit) return TOO_LARGE;
    if (!this.#budget.take(chunk.byteLength)) return BUSY;
    this.#size += chunk.byteLength;
    this.#chunks.push(chunk);
    return null;
  }

  whole(): Body {
    return this.#chunks.length === 0 ? null : Buffer.concat(this.#chunks);
  }

  /** The request was answered, refused or given up. Calling it twice is fine. */
  release(): void {
    this.#budget.giveBack(this.#size);
    this.#size = 0;
    this.#chunks.length = 0;
  }
}
