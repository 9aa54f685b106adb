/**
 * Group commit: inputs that arrive while a commit is under way wait together and go as the next batch.
 * Inputs with the same lane keep their order: a lane has one batch under way at a time.
 */
import { DomainError } from "../../domain/errors.ts";
import { databaseAway } from "./failures.ts";

export interface BatchOptions<In, Out> {
  lanes: number;
  /** Any integer ≥ 0; it is taken modulo the number of lanes. */
  laneOf: (input: In) => number;
  /** Bytes, roughly. */
  sizeOf: (input: In) => number;
  /** Bounds of one batch. A batch holds at least one input. */
  maxInputs: number;
  maxBytes: number;
  /** Inputs that may wait in all lanes together. `add` refuses more with `busy`. */
  maxQueued: number;
  /** Writes a batch. One result per input, in order; an `Error` refuses that input alone. */
  commit: (batch: In[]) => Promise<(Out | Error)[]>;
}

export interface Batches<In, Out> {
  /** @throws DomainError `busy` at once when too many inputs wait; the error of `commit` for the batch or for the input */
  add(input: In): Promise<Out>;
  readonly queued: number;
  readonly inFlight: number;
  /** Refuses new inputs, and resolves when all accepted inputs are settled. */
  drain(): Promise<void>;
}

interface Waiting<In, Out> {
  input: In;
  resolve: (result: Out) => void;
  reject: (error: unknown) => void;
}

interface Lane<In, Out> {
  queue: Waiting<In, Out>[];
  running: boolean;
}

const BUSY_RETRY_MS = 1_000;

export function createBatches<In, Out>(options: BatchOptions<In, Out>): Batches<In, Out> {
  const lanes: Lane<In, Out>[] = Array.from({ length: options.lanes }, () => ({ queue: [], running: false }));
  let queued = 0;
  let inFlight = 0;
  let draining = false;
  let onQuiet: (() => void) | undefined;

  function nextBatch(lane: Lane<In, Out>): Waiting<In, Out>[] {
    let count = 0;
    let bytes = 0;
    for (const { input } of lane.queue) {
      bytes += options.sizeOf(input);
      if (count > 0 && (count === options.maxInputs || bytes > options.maxBytes)) break;
      count++;
    }
    return lane.queue.splice(0, count);
  }

  async function write(batch: Waiting<In, Out>[]): Promise<void> {
    queued -= batch.length;
    inFlight++;
    try {
      const results = await options.commit(batch.map(({ input }) => input));
      batch.forEach((waiting, i) => {
        const result = results[i];
        if (result instanceof Error) waiting.reject(result);
        else waiting.resolve(result as Out);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      inFlight--;
    }
  }

  async function run(lane: Lane<In, Out>): Promise<void> {
    while (lane.queue.length > 0) await write(nextBatch(lane));
    lane.running = false;
    if (queued === 0 && inFlight === 0) onQuiet?.();
  }

  return {
    add(input) {
      if (draining) return Promise.reject(databaseAway(new Error("The store is closed")));
      if (queued >= options.maxQueued) {
        const text = "Too many writes are waiting for the database; try again";
        return Promise.reject(new DomainError("busy", text, { retryAfterMs: BUSY_RETRY_MS }));
      }
      const lane = lanes[options.laneOf(input) % lanes.length] as Lane<In, Out>;
      queued++;
      return new Promise((resolve, reject) => {
        lane.queue.push({ input, resolve, reject });
        if (lane.running) return;
        lane.running = true;
        // Other inputs of this turn of the event loop belong to the same batch.
        setImmediate(() => void run(lane));
      });
    },
    get queued() {
      return queued;
    },
    get inFlight() {
      return inFlight;
    },
    async drain() {
      draining = true;
      if (queued === 0 && inFlight === 0) return;
      await new Promise<void>((resolve) => {
        onQuiet = resolve;
      });
    },
  };
}
