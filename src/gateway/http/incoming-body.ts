/**
 * The body of a request while it comes in, on either transport. A small one is collected; a longer one is a stream that
 * is read only as fast as the handler takes it. What is held counts within a bound of the client's address and of the
 * whole server: of an upload the bytes that nobody took yet, of everything else all until the request is answered.
 */
import { DomainError } from "../../domain/errors.ts";

const MAX_BYTES = 256 * 1024 * 1024;
/** Many clients can share an address, so it may hold much; but never all. */
const MAX_BYTES_OF_ADDRESS = 64 * 1024 * 1024;

/** What all requests under way hold together. */
export class BodyBudget {
  #held = 0;
  readonly #byAddress = new Map<string, number>();

  /** In bytes. */
  get held(): number {
    return this.#held;
  }
  take(address: string, bytes: number): boolean {
    const own = (this.#byAddress.get(address) ?? 0) + bytes;
    if (this.#held + bytes > MAX_BYTES || own > MAX_BYTES_OF_ADDRESS) return false;
    this.#held += bytes;
    this.#byAddress.set(address, own);
    return true;
  }
  giveBack(address: string, bytes: number): void {
    if (bytes === 0) return;
    this.#held -= bytes;
    const left = (this.#byAddress.get(address) ?? 0) - bytes;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}

export interface BodyOptions {
  /** In bytes. */
  limit: number;
  /** Whether bytes are out of our hands once the handler took them: those of an upload go to a disk. */
  passesOn: boolean;
  address: string;
  budget: BodyBudget;
  /** The peer goes on, or waits. */
  flow(go: boolean): void;
}

export type Refusal = "too large" | "busy";

export class IncomingBody {
  readonly #options: BodyOptions;
  #chunks: Uint8Array[] = [];
  /** Bytes that came, and those that count within the budget. */
  #size = 0;
  #held = 0;
  #ended = false;
  #discarding = false;
  #reader: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** The handler waits for the next chunk. */
  #wanted: (() => void) | null = null;
  /** It gets what came in this turn as one: a client may send a body byte by byte. */
  #isGathering = false;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Keeps a chunk, which must stay as it is. @returns why the body is refused, else null */
  add(chunk: Uint8Array): Refusal | null {
    if (this.#discarding || chunk.byteLength === 0) return null;
    const { limit, address, budget, flow } = this.#options;
    this.#size += chunk.byteLength;
    if (this.#size > limit) return "too large";
    if (!budget.take(address, chunk.byteLength)) return "busy";
    this.#held += chunk.byteLength;
    this.#chunks.push(chunk);
    if (this.#wanted) this.#gather();
    else if (this.#reader) flow(false);
    return null;
  }

  end(): void {
    this.#ended = true;
    if (this.#wanted) this.#give();
  }

  /** All bytes that wait; null when there are none. */
  whole(): Uint8Array | null {
    const [first, second] = this.#chunks;
    return second ? Buffer.concat(this.#chunks) : (first ?? null);
  }

  /** The bytes as they come. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () =>
          new Promise<void>((resolve) => {
            this.#wanted = resolve;
            if (!this.#give()) this.#options.flow(true);
          }),
        cancel: () => this.discard(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Whoever reads the stream is told why there is no more of it. */
  fail(error: DomainError): void {
    this.#reader?.error(error);
    this.discard();
  }

  /** Whatever still comes is nobody's. Calling it twice is fine. */
  discard(): void {
    this.#discarding = true;
    this.#reader = null;
    this.#wanted?.();
    this.#wanted = null;
    this.#chunks = [];
    this.#options.budget.giveBack(this.#options.address, this.#held);
    this.#held = 0;
    if (!this.#ended) this.#options.flow(true);
  }

  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    setImmediate(() => {
      this.#isGathering = false;
      if (this.#wanted) this.#give();
      if (this.#reader && !this.#wanted) this.#options.flow(false);
    });
  }

  /** Hands over what there is, or the end. @returns whether one of them was there */
  #give(): boolean {
    const chunk = this.whole();
    this.#chunks = [];
    if (!chunk && !this.#ended) return false;
    if (chunk) this.#reader?.enqueue(chunk);
    else this.#reader?.close();
    if (chunk && this.#options.passesOn) {
      this.#options.budget.giveBack(this.#options.address, chunk.byteLength);
      this.#held -= chunk.byteLength;
    }
    this.#wanted?.();
    this.#wanted = null;
    return true;
  }
}

export function tooLarge(limit: number): DomainError {
  return new DomainError("too_large", `body must have at most ${limit} bytes`, { field: "body" });
}
