/**
 * One request and its answer, the same on both transports. A short body is collected before the handler is asked. For a
 * longer one the handler is asked at once, so that it refuses by the head alone what it does not want, and then reads the
 * body as a stream. A body beyond its bound is for the handler to refuse, in its API's own words. What goes too slowly,
 * either way, is cut; a request that its client gave up is aborted.
 */
import { DomainError } from "../../domain/errors.ts";
import type { HttpDoor } from "./door.ts";
import {
  announcedLength,
  bodyRule,
  exchange,
  identified,
  plain,
  type RawResponse,
  type StreamedResponse,
} from "./exchange.ts";
import type { RawRequest } from "./head.ts";
import { IncomingBody, tooLarge } from "./incoming-body.ts";
import { Patience } from "./patience.ts";

/** What a transport does for a request. After `end`, `finish` and `cut` nothing more is asked of it. */
export interface Wire {
  /** Whether it still tells of the request's body after the answer; else it drops the rest by itself. */
  readonly outlivesAnswer: boolean;
  /** Goes on reading the request's body, or stops for now. It goes on by itself with the answer. */
  flow(go: boolean): void;
  /** @param close whether the connection ends with the answer */
  end(answer: RawResponse, close: boolean): void;
  /** The head of an answer whose bytes follow by `pass`. */
  begin(answer: StreamedResponse, close: boolean): void;
  /** Resolves when the bytes are on their way to the peer, or the connection is gone. */
  pass(chunk: Uint8Array): Promise<void>;
  /** All bytes were passed. */
  finish(): void;
  /** Ends the connection at once. */
  cut(): void;
}

/** A longer body is a stream. */
const MAX_COLLECTED_BYTES = 64 * 1024;

export class ServedRequest {
  readonly #raw: RawRequest;
  readonly #wire: Wire;
  readonly #door: HttpDoor;
  readonly #gaveUp = new AbortController();
  readonly #body: IncomingBody;
  readonly #patience: Patience;
  readonly #announced: number | null;
  readonly #limit: number;
  #asked = false;
  #answered = false;
  /** The rest of the body waits until somebody wants it. */
  #paused = false;

  constructor(raw: RawRequest, wire: Wire, door: HttpDoor) {
    this.#raw = raw;
    this.#wire = wire;
    this.#door = door;
    const rule = bodyRule(raw);
    this.#limit = rule.limit;
    this.#announced = announcedLength(raw);
    const flow = (go: boolean) => this.#flow(go);
    this.#body = new IncomingBody({ ...rule, address: raw.ip, budget: door.budget, flow });
    this.#patience = new Patience(door.pace.bodies, () => this.#tooSlow());
  }

  /** The head is there. */
  start(): void {
    const length = this.#announced;
    if (length === 0) return void this.#ask(null);
    if (length !== null && !(length <= this.#limit)) return void this.#ask(null, true);
    const isShort = length !== null && length <= MAX_COLLECTED_BYTES;
    this.#flow(isShort);
    if (!isShort) void this.#ask(this.#body.stream());
  }

  /** A piece of the body, which must stay as it is. */
  data(chunk: Uint8Array): void {
    this.#patience.moved(chunk.byteLength);
    const refusal = this.#body.add(chunk);
    if (refusal) this.#refuse(refusal);
    else if (!this.#paused) this.#patience.wait();
  }

  /** The body is whole. */
  ended(): void {
    this.#patience.stop();
    this.#body.end();
    if (!this.#asked) void this.#ask(this.#body.whole());
  }

  /** The connection is gone. */
  gone(): void {
    this.#patience.stop();
    this.#gaveUp.abort();
    this.#body.fail(new DomainError("unavailable", "The client gave the request up"));
  }

  #flow(go: boolean): void {
    if (this.#answered || this.#gaveUp.signal.aborted) return;
    this.#paused = !go;
    if (go) this.#patience.wait();
    this.#wire.flow(go);
  }

  async #ask(body: Uint8Array | ReadableStream<Uint8Array> | null, bodyTooLarge = false): Promise<void> {
    this.#asked = true;
    const { handler, turns } = this.#door;
    await turns.next();
    if (this.#gaveUp.signal.aborted) return;
    const answer = await exchange(handler, this.#raw, body, bodyTooLarge, this.#gaveUp.signal);
    if (!this.#gaveUp.signal.aborted) await this.#answer(answer);
    else if ("stream" in answer) await answer.stream.cancel().catch(() => {}); // Nobody is there to be told.
  }

  #refuse(refusal: "too large" | "busy"): void {
    const busy = "Too many large requests are under way; try again";
    if (refusal === "too large") this.#body.fail(tooLarge(this.#limit));
    else if (this.#asked) this.#body.fail(new DomainError("busy", busy));
    else void this.#answerInstead(identified(plain(503, busy), this.#raw));
  }

  #tooSlow(): void {
    if (this.#answered) this.#wire.cut();
    else
      void this.#answerInstead(identified(plain(408, "The body of the request came too slowly"), this.#raw));
  }

  /** Instead of the handler, whether it was asked or not. */
  async #answerInstead(answer: RawResponse): Promise<void> {
    this.#asked = true;
    this.#body.fail(new DomainError("unavailable", "The request was refused"));
    await this.#answer(answer, true);
    this.#gaveUp.abort();
  }

  async #answer(answer: RawResponse | StreamedResponse, close = this.#closes()): Promise<void> {
    this.#answered = true;
    this.#paused = false;
    this.#body.discard();
    if (!this.#wire.outlivesAnswer) this.#patience.stop();
    if ("stream" in answer) await this.#pour(answer, close);
    else this.#wire.end(answer, close);
  }

  /** Whether the connection ends with the answer: more of the body may come than anybody wants to drop. */
  #closes(): boolean {
    const isBounded = this.#announced !== null && this.#announced <= this.#limit;
    return this.#door.isLeaving || !(this.#body.ended || isBounded);
  }

  async #pour(answer: StreamedResponse, close: boolean): Promise<void> {
    const { signal } = this.#gaveUp;
    const reader = answer.stream.getReader();
    const stop = () => void reader.cancel().catch(() => {}); // Whoever fetched is gone.
    signal.addEventListener("abort", stop, { once: true });
    const patience = new Patience(this.#door.pace.answers, () => this.#wire.cut());
    let left = answer.length;
    this.#wire.begin(answer, close);
    while (!signal.aborted) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (done || !value) break;
      left -= value.byteLength;
      if (left < 0) break;
      patience.wait();
      await this.#wire.pass(value);
      patience.moved(value.byteLength);
    }
    if (signal.aborted) return;
    // An answer that is shorter or longer than it said has no other way to say so.
    if (left === 0) this.#wire.finish();
    else this.#wire.cut();
    stop();
  }
}
