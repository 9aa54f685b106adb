/** What a worker counts while it sends. */
import { now } from "../measuring/clock.ts";
import { createLatency } from "../measuring/latency.ts";
import { watchOwnLoad } from "../measuring/own-load.ts";
import type { Sample, Sent } from "../orders.ts";

/** Sends that may be without an answer; the schedule goes on and counts what it could not send. */
const OUTSTANDING_MOST = 1 << 19;
const MASK = OUTSTANDING_MOST * 2 - 1;
/** References below are the dialects' own. */
const FIRST_REF = 1_000_000;

export class Tally {
  readonly ack = createLatency();
  readonly delivery = createLatency();
  readonly lateness = createLatency();
  readonly refusedBy: Record<string, number> = {};
  sent = 0;
  acked = 0;
  refused = 0;
  delivered = 0;
  #nextRef = FIRST_REF;
  /** When the send with a reference was meant to go out; 0: answered. */
  readonly #intendedAt = new Float64Array(MASK + 1);
  readonly #sender = new Int32Array(MASK + 1);
  #windowStart = Number.POSITIVE_INFINITY;
  #windowEnd = Number.POSITIVE_INFINITY;
  readonly #load = watchOwnLoad();
  #before = { at: 0, sent: 0, acked: 0, delivered: 0 };

  /** Latencies count for what was meant to be sent between the two times. */
  startWindow(start: number, end: number): void {
    this.#windowStart = start;
    this.#windowEnd = end;
    for (const latency of [this.ack, this.delivery, this.lateness]) latency.reset();
  }

  /** Throughput and own load count from now on. */
  mark(): void {
    this.#before = { at: now(), sent: this.sent, acked: this.acked, delivered: this.delivered };
    this.#load.reset();
  }

  get outstanding(): number {
    return this.sent - this.acked - this.refused;
  }
  get isFull(): boolean {
    return this.outstanding >= OUTSTANDING_MOST;
  }

  /** Notes a send; returns its reference. `sender` is given back with its answer. */
  send(intendedAt: number, sender: number): number {
    const ref = this.#nextRef++;
    this.#intendedAt[ref & MASK] = intendedAt;
    this.#sender[ref & MASK] = sender;
    this.sent++;
    if (this.#counts(intendedAt)) this.lateness.recordMs(now() - intendedAt);
    return ref;
  }

  /** Takes the answer to a send. Returns its sender, or -1 when no send waits for it. */
  answer(ref: number, refusedWith: string | null): number {
    const intendedAt = ref < FIRST_REF ? 0 : (this.#intendedAt[ref & MASK] as number);
    if (intendedAt === 0) return -1;
    this.#intendedAt[ref & MASK] = 0;
    if (refusedWith === null) {
      this.acked++;
      if (this.#counts(intendedAt)) this.ack.recordMs(now() - intendedAt);
    } else {
      this.refused++;
      this.refusedBy[refusedWith] = (this.refusedBy[refusedWith] ?? 0) + 1;
    }
    return this.#sender[ref & MASK] as number;
  }

  deliver(sentAt: number): void {
    this.delivered++;
    if (this.#counts(sentAt)) this.delivery.recordMs(now() - sentAt);
  }

  sample(): Sample {
    const { sent, acked, refused, delivered, outstanding } = this;
    return { at: now(), sent, acked, refused, delivered, outstanding };
  }

  /** The counts since the mark; without what only the end of the run can tell. */
  window(
    intended: number,
  ): Omit<Sent, "ackLatency" | "deliveryLatency" | "lateness" | "refused" | "unanswered"> {
    return {
      windowMs: now() - this.#before.at,
      intended,
      sent: this.sent - this.#before.sent,
      acked: this.acked - this.#before.acked,
      delivered: this.delivered - this.#before.delivered,
      load: this.#load.read(),
    };
  }

  #counts(at: number): boolean {
    return at >= this.#windowStart && at < this.#windowEnd;
  }
}
