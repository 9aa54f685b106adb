/** The worker processes as the coordinator sees them. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { FromWorker, OrderName, Orders, Sample } from "./orders.ts";

const PROGRAM = join(import.meta.dirname, "worker/main.js");

export interface Crew {
  readonly size: number;
  /** Gives every worker its part of an order; resolves with all answers, in the order of the workers. */
  ask<Name extends OrderName>(
    name: Name,
    order: (worker: number) => Orders[Name]["order"],
  ): Promise<Orders[Name]["answer"][]>;
  /** Sums of the workers' running counts, as often as they come; one listener at a time. */
  onSample(listener: ((sum: Sample) => void) | null): void;
  stop(): void;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

export function startCrew(size: number): Crew {
  const latest: (Sample | undefined)[] = [];
  let listener: ((sum: Sample) => void) | null = null;
  const workers = Array.from({ length: size }, (_, index) =>
    startWorker(`worker ${index + 1}`, (sample) => {
      latest[index] = sample;
      const samples = latest.filter((one) => one !== undefined);
      if (samples.length === size) listener?.(sumOf(samples));
    }),
  );
  return {
    size,
    ask: async (name, order) => {
      const answers = await Promise.all(workers.map((worker, index) => worker.ask(name, order(index))));
      return answers as Orders[typeof name]["answer"][];
    },
    onSample: (next) => {
      listener = next;
      latest.length = 0;
    },
    stop: () => {
      for (const worker of workers) worker.stop();
    },
  };
}

function startWorker(name: string, onSample: (sample: Sample) => void) {
  const child = fork(PROGRAM, { execArgv: ["--enable-source-maps", "--max-semi-space-size=32"] });
  const pending = new Map<number, Pending>();
  let nextId = 1;
  child.on("message", (message: FromWorker) => {
    if ("sample" in message) return onSample(message.sample);
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if ("error" in message) waiting?.reject(new Error(`${name}: ${message.error}`));
    else waiting?.resolve(message.answer);
  });
  child.once("exit", (code, signal) => {
    for (const { reject } of pending.values()) reject(new Error(`${name} ended with ${signal ?? code}`));
    pending.clear();
  });
  return {
    ask: (order: OrderName, value: unknown) => {
      const id = nextId++;
      return new Promise((resolve, reject) => {
        if (!isAlive(child)) return reject(new Error(`${name} has ended`));
        pending.set(id, { resolve, reject });
        child.send({ id, name: order, order: value });
      });
    },
    stop: () => {
      if (isAlive(child)) child.disconnect();
    },
  };
}

function isAlive(child: ChildProcess): boolean {
  return child.connected && child.exitCode === null;
}

function sumOf(samples: readonly Sample[]): Sample {
  const sum = { at: 0, sent: 0, acked: 0, delivered: 0, refused: 0, outstanding: 0 };
  for (const sample of samples) {
    sum.at = Math.max(sum.at, sample.at);
    sum.sent += sample.sent;
    sum.acked += sample.acked;
    sum.delivered += sample.delivered;
    sum.refused += sample.refused;
    sum.outstanding += sample.outstanding;
  }
  return sum;
}
