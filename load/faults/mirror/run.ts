/** A run of faults between the chat and Matrix: people on both sides do everything that the bridge carries, while it breaks. */
import { setTimeout as delay } from "node:timers/promises";
import { carryOut, startAgain } from "../carry-out.ts";
import { described, type Fault } from "../kinds.ts";
import type { Step } from "../plan.ts";
import { type Random, seeded } from "../random.ts";
import { openSite, type Site } from "../site.ts";
import { type Book, createBook, type Side } from "./book.ts";
import { type Cast, meet } from "./cast.ts";
import { CHAT_KINDS } from "./operations/in-chat.ts";
import { MATRIX_KINDS } from "./operations/in-matrix.ts";
import { type Operation, pickKind } from "./operations/operation.ts";
import { type Settled, settle } from "./settle.ts";
import { takeover } from "./takeover.ts";

export interface MirrorOptions {
  plan: readonly Step[];
  seed: number;
  operations: number;
  seconds: number;
  people: number;
  rooms: number;
  signal: AbortSignal;
  onStep(what: string): void;
  /** How many operations were begun, and what happens now. */
  onProgress(done: number, what: string): void;
}

export interface Tally {
  done: number;
  refused: number;
}

export interface MirrorResult extends Settled {
  /** By `side: name`. */
  operations: Map<string, Tally>;
  /** Why operations were refused, with how often. */
  refusals: Map<string, number>;
  faults: Fault[];
  /** How long the rooms of killed bridges were nobody's, ms. */
  takeovers: number[];
  /** Parts that did not come back, and what could not be carried out. */
  broken: string[];
  seconds: number;
  outputs: Record<string, string>;
}

/** Operations under way at once: while the homeserver is away, those of Matrix wait. */
const MAX_WAITING = 40;
const POLL_MS = 100;
const WHOLE_LIMIT_MS = 90_000;
const PROBE_LIMIT_MS = 5_000;
const FINISH_LIMIT_MS = 120_000;

export async function runMirror(options: MirrorOptions): Promise<MirrorResult> {
  const began = performance.now();
  const { onStep, signal } = options;
  const site = await openSite({ isSynchronous: false, onStep });
  const ending = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  ending.catch(() => undefined);
  const over = new AbortController();
  let cast: Cast | null = null;
  const play = async () => {
    onStep("meeting in both worlds");
    const book = createBook();
    cast = await meet({ site, book, people: options.people, rooms: options.rooms, signal: over.signal });
    const played = await perform({ site, cast, book }, options);
    onStep("waiting for both sides to agree");
    const settled = await settle(site, cast, book);
    return { ...played, ...settled, seconds: (performance.now() - began) / 1000, outputs: site.outputs() };
  };
  try {
    return await Promise.race([play(), ending]);
  } finally {
    over.abort();
    (cast as Cast | null)?.leave();
    await site.stop();
  }
}

interface Stage {
  site: Site;
  cast: Cast;
  book: Book;
}

type Played = Pick<MirrorResult, "operations" | "refusals" | "faults" | "takeovers" | "broken"> & {
  /** Operations that are under way, in words. */
  open: Set<string>;
};

async function perform(stage: Stage, options: MirrorOptions): Promise<Played> {
  const played: Played = {
    ...{ operations: new Map(), refusals: new Map(), open: new Set() },
    ...{ faults: [], takeovers: [], broken: [] },
  };
  const doing = act(stage, options, played);
  const breaking = breakParts(stage.site, options, played);
  const [waiting] = await Promise.all([doing, breaking]);
  options.onStep("waiting for the last answers");
  const answered = new AbortController();
  await Promise.race([
    Promise.allSettled([...waiting, ...stage.book.later]).finally(() => answered.abort()),
    delay(FINISH_LIMIT_MS, undefined, { signal: answered.signal, ref: false }).then(() => {
      const open = [...played.open].join(", ") || "files that come late";
      played.broken.push(`not answered ${FINISH_LIMIT_MS / 1000} s after the last fault: ${open}`);
    }),
  ]);
  await openRooms(stage.cast);
  return played;
}

/** Operations at their pace, in lanes. Resolves with those that are under way. */
async function act(stage: Stage, options: MirrorOptions, played: Played): Promise<Promise<void>[]> {
  const random = seeded(options.seed + 1);
  const began = performance.now();
  const lanes = new Map<string, Promise<void>>();
  let waiting = 0;
  for (let n = 0; n < options.operations; n++) {
    await delay(Math.max(0, began + (n * options.seconds * 1000) / options.operations - performance.now()));
    while (waiting >= MAX_WAITING) await delay(POLL_MS);
    options.signal.throwIfAborted();
    const operation = choose(stage, random);
    waiting++;
    const before = lanes.get(operation.lane) ?? Promise.resolve();
    const done = before.then(() => carry(operation, played)).finally(() => waiting--);
    lanes.set(operation.lane, done);
    options.onProgress(n + 1, `${operation.side}: ${operation.name}`);
  }
  return [...lanes.values()];
}

function choose({ cast, book }: Stage, random: Random): Operation {
  for (;;) {
    const side: Side = random.chance(0.5) ? "chat" : "matrix";
    const [, name, make] = pickKind(side === "chat" ? CHAT_KINDS : MATRIX_KINDS, random);
    const made = make({ cast, book, random, name, room: random.pick(cast.rooms) });
    if (made) return { ...made, name, side };
  }
}

async function carry({ side, name, lane, run }: Operation, played: Played): Promise<void> {
  const { operations, refusals, open } = played;
  const key = `${side}: ${name}`;
  const mine = `${key} of ${lane}`;
  open.add(mine);
  const tally = operations.get(key) ?? { done: 0, refused: 0 };
  operations.set(key, tally);
  try {
    await run();
    tally.done++;
  } catch (error) {
    tally.refused++;
    const reason = `${key}: ${(error as Error).message.replaceAll(/[!$@]\S+/g, "…").slice(0, 200)}`;
    refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  }
  open.delete(mine);
}

async function breakParts(site: Site, options: MirrorOptions, played: Played): Promise<void> {
  const began = performance.now();
  for (const { at, faults } of options.plan) {
    await delay(Math.max(0, began + at - performance.now()));
    if (performance.now() - began > options.seconds * 1000) break;
    for (const fault of faults) await one(site, fault, played);
    await whole(site, played.broken);
  }
}

const NOBODY = { promoted: () => undefined, restored: () => undefined };

async function one(site: Site, fault: Fault, { faults, takeovers, broken }: Played): Promise<void> {
  faults.push(fault);
  const isKill = fault.kind === "kill" && fault.part.startsWith("bridge");
  const doing = carryOut(fault, site, NOBODY).catch((error: Error) => {
    broken.push(`${described(fault)}: ${error.message}`);
  });
  if (isKill) takeovers.push(await takeover(site.database));
  await doing;
}

/** Every program runs and is ready. */
async function whole(site: Site, broken: string[]): Promise<void> {
  const deadline = Date.now() + WHOLE_LIMIT_MS;
  for (const program of site.programs.filter(({ isRunning }) => !isRunning)) {
    broken.push(
      `${program.name} ended by itself: ${program.output().trim().split("\n").slice(-3).join(" / ")}`,
    );
    await startAgain(program);
  }
  for (;;) {
    const ready = await Promise.all(site.programs.map((program) => program.isReady()));
    if (ready.every(Boolean)) return;
    if (Date.now() > deadline) {
      const missing = site.programs.filter((_, n) => !ready[n]);
      const words = await Promise.all(
        missing.map(async ({ name, port }) => `${name}: ${await readiness(port)}`),
      );
      broken.push(`not ready after ${WHOLE_LIMIT_MS / 1000} s: ${words.join("; ")}`);
      return;
    }
    await delay(POLL_MS);
  }
}

async function readiness(port: number): Promise<string> {
  const limit = { signal: AbortSignal.timeout(PROBE_LIMIT_MS) };
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, limit).catch((error: Error) => error.message);
  return typeof answer === "string" ? answer : await answer.text();
}

/** Rules that hold people back are lifted, so that both sides can be read whole. */
async function openRooms({ people, rooms }: Cast): Promise<void> {
  for (const { token: room, isStrict } of rooms) {
    if (!isStrict) continue;
    await people[0]?.ask({ op: "room.set", room, lobby: false, readOnly: false, posting: "all" });
  }
}
