/** A run of faults: a site, people who chat, a plan that is carried out, and the verdict. */
import { setTimeout as delay } from "node:timers/promises";
import type { MatrixLogin } from "../matrix-client.ts";
import { createProvisioning, request } from "../target/provisioning.ts";
import { carryOut, startAgain } from "./carry-out.ts";
import { bareClient } from "./clients/bare-client.ts";
import type { ChatClient, Person } from "./clients/chat-client.ts";
import { type MatrixPerson, matrixPerson } from "./clients/matrix-person.ts";
import { sdkClient } from "./clients/sdk-client.ts";
import type { Violation } from "./judge/judge.ts";
import { createLedger, type Ledger } from "./judge/ledger.ts";
import { described, type Fault, GATEWAYS } from "./kinds.ts";
import { type Chatter, startChatter } from "./people.ts";
import type { Step } from "./plan.ts";
import { seeded } from "./random.ts";
import { openSite, type Site } from "./site.ts";
import { judgeRun } from "./verdict.ts";

export interface RunOptions {
  plan: readonly Step[];
  seed: number;
  isSynchronous: boolean;
  clients: number;
  rooms: number;
  /** Milliseconds between two messages of one person, on average. */
  everyMs: number;
  /** Seconds after which no further fault begins. */
  limitSeconds: number;
  signal: AbortSignal;
  onStep(what: string): void;
  onFault(done: number, total: number, what: string): void;
}

export interface FaultRecord {
  fault: Fault;
  /** Milliseconds since the run began. */
  startedAt: number;
  healedAt: number;
  /** Until every program was ready and somebody's message was acknowledged. */
  wholeAt: number;
  /** From the promotion to the first acknowledgement after it, ms; null for other kinds. */
  writesBackMs: number | null;
}

export interface RunResult {
  faults: FaultRecord[];
  skipped: number;
  violations: Violation[];
  messages: number;
  acknowledged: number;
  matrixMessages: number;
  /** Messages that a restore, or the promotion of an asynchronous standby, took away. */
  cut: number;
  resets: number;
  longestSilenceMs: number;
  seconds: number;
  outputs: Record<string, string>;
}

const MEET_LIMIT_MS = 120_000;
const WHOLE_LIMIT_MS = 60_000;
const FINISH_LIMIT_MS = 90_000;
const WRITES_BACK_LIMIT_MS = 15_000;
const POLL_MS = 100;

export async function runFaults(options: RunOptions): Promise<RunResult> {
  const began = performance.now();
  const clock = () => performance.now() - began;
  const site = await openSite({ isSynchronous: options.isSynchronous, onStep: options.onStep });
  const ending = new Promise<never>((_, reject) => {
    options.signal.addEventListener("abort", () => reject(options.signal.reason as Error), { once: true });
  });
  ending.catch(() => undefined);
  let cast: Cast | null = null;
  const play = async () => {
    cast = await meet(site, options, clock);
    return perform(site, cast, options, clock);
  };
  try {
    return await Promise.race([play(), ending]);
  } finally {
    leave(cast);
    await site.stop();
  }
}

interface Cast {
  clients: ChatClient[];
  matrix: MatrixPerson[];
  rooms: string[];
}

function leave(cast: Cast | null): void {
  for (const one of [...(cast?.clients ?? []), ...(cast?.matrix ?? [])]) one.stop();
}

/** People and rooms are made, and everybody is connected and in Matrix before anything breaks. */
async function meet(site: Site, options: RunOptions, clock: () => number): Promise<Cast> {
  options.onStep("making people and rooms");
  const url = new URL(`http://127.0.0.1:${site.program("gateway-1").port}`);
  const provisioning = createProvisioning(url, site.adminToken);
  const everybody = Array.from({ length: options.clients }, (_, n) => n);
  const plan = { people: options.clients, rooms: Array.from({ length: options.rooms }, () => everybody) };
  const { tokens, rooms, roomIds } = await provisioning.populate(plan, () => undefined);
  const people = tokens.map((token, n): Person => ({ name: `p${n}`, token }));
  const clients = people.map((person, n) => {
    const settings = { name: `${person.name}-${n % 2 ? "bare" : "sdk"}`, person, url: site.chatUrl, clock };
    return n % 2 ? bareClient({ ...settings, proof: "seq and time" }) : sdkClient(settings);
  });
  const matrix: MatrixPerson[] = [];
  try {
    await Promise.all(clients.map((client) => client.start()));
    options.onStep("meeting in Matrix");
    for (const person of people.slice(0, 2)) {
      matrix.push(await matrixPerson(`${person.name}-matrix`, () => signIn(site, person)));
    }
    for (const [n, room] of rooms.entries()) {
      const matrixRoom = await provisioning.matrixRoom(roomIds[n] as number, MEET_LIMIT_MS);
      await Promise.all(matrix.map((person) => person.enter(room, matrixRoom, MEET_LIMIT_MS)));
    }
  } catch (error) {
    leave({ clients, matrix, rooms });
    throw error;
  }
  return { clients, matrix, rooms };
}

/** Through any gateway: one of them may be down. */
export async function signIn(site: Site, person: Person): Promise<MatrixLogin> {
  const headers = { "personal-access-token": person.token };
  const ask = (name: (typeof GATEWAYS)[number]) => {
    const url = new URL(`http://127.0.0.1:${site.program(name).port}/api/v1/chat/user/login`);
    return request<MatrixLogin>(url, "POST", headers, { deviceID: "FAULTS" });
  };
  return Promise.any(GATEWAYS.map(ask));
}

async function perform(site: Site, cast: Cast, options: RunOptions, clock: () => number): Promise<RunResult> {
  const ledger = createLedger();
  const acks: { last: number } = { last: 0 };
  const chatter = startChatter({
    ...{ ...cast, ledger, clock, everyMs: options.everyMs, random: seeded(options.seed + 1) },
    onAck: (_sender, at) => {
      acks.last = at;
    },
  });
  const stage = { site, ledger, clock, lastAck: () => acks.last };
  const { records, violations } = await carryOutPlan(stage, options);
  options.onStep("waiting for the last acknowledgements");
  await whole(stage, violations);
  await chatter.finish(FINISH_LIMIT_MS).catch((error: Error) => {
    violations.push({ kind: "writes", text: error.message });
  });
  options.onStep("judging");
  const urls = GATEWAYS.map((name) => `ws://127.0.0.1:${site.program(name).port}/ws`);
  violations.push(...(await judgeRun({ urls, ...cast, ledger, clock })));
  return resultOf(options, { site, cast, ledger, chatter, records, violations, seconds: clock() / 1000 });
}

interface Running {
  site: Site;
  ledger: Ledger;
  clock: () => number;
  /** When any message was acknowledged last. */
  lastAck: () => number;
}

async function carryOutPlan(running: Running, { plan, limitSeconds, onFault }: RunOptions) {
  const { clock } = running;
  const began = clock();
  const records: FaultRecord[] = [];
  const violations: Violation[] = [];
  for (const [index, { at, faults }] of plan.entries()) {
    await delay(Math.max(0, began + at - clock()));
    if (clock() - began > limitSeconds * 1000) break;
    onFault(index, plan.length, faults.map(described).join(" + "));
    const made = await Promise.all(faults.map((fault) => one(running, fault, violations)));
    await whole(running, violations);
    for (const record of made) record.wholeAt = clock();
    records.push(...made);
  }
  return { records, violations };
}

async function one(running: Running, fault: Fault, violations: Violation[]): Promise<FaultRecord> {
  const { site, clock, ledger, lastAck } = running;
  const startedAt = clock();
  let back: Promise<number | null> = Promise.resolve(null);
  try {
    await carryOut(fault, site, {
      promoted: () => {
        back = writesBack(clock, lastAck);
      },
      restored: (heads) => ledger.cut(heads, clock()),
    });
  } catch (error) {
    violations.push({
      kind: "part",
      at: startedAt,
      text: `${described(fault)}: ${(error as Error).message}`,
    });
  }
  const writesBackMs = await back;
  if (writesBackMs !== null && writesBackMs > WRITES_BACK_LIMIT_MS) {
    violations.push({
      ...{ kind: "writes", at: startedAt },
      text: `writes came back ${(writesBackMs / 1000).toFixed(1)} s after the promotion`,
    });
  }
  return { fault, startedAt, healedAt: clock(), wholeAt: 0, writesBackMs };
}

/** From now until the next acknowledgement, ms. */
async function writesBack(clock: () => number, lastAck: () => number): Promise<number> {
  const since = clock();
  while (lastAck() <= since && clock() - since < WHOLE_LIMIT_MS) await delay(POLL_MS / 5);
  return Math.max(lastAck(), since) - since || clock() - since;
}

/** Every program runs and is ready, and messages are acknowledged. What ended by itself is a violation, and is started again. */
async function whole({ site, clock, lastAck }: Running, violations: Violation[]): Promise<void> {
  const since = clock();
  for (const program of site.programs.filter(({ isRunning }) => !isRunning)) {
    const last = program.output().trim().split("\n").slice(-3).join(" / ");
    violations.push({ kind: "part", at: since, text: `${program.name} ended by itself: ${last}` });
    await startAgain(program);
  }
  for (;;) {
    const ready = await Promise.all(site.programs.map((program) => program.isReady()));
    if (ready.every(Boolean) && lastAck() > since) return;
    if (clock() - since > WHOLE_LIMIT_MS) {
      const missing = site.programs.filter((_, n) => !ready[n]).map(({ name }) => `${name} is not ready`);
      if (lastAck() <= since) missing.push("nothing was acknowledged");
      const text = `a minute after the last fault ${missing.join(", ")}`;
      violations.push({ kind: "part", at: since, text });
      return;
    }
    await delay(POLL_MS);
  }
}

interface Played {
  site: Site;
  cast: Cast;
  ledger: Ledger;
  chatter: Chatter;
  records: FaultRecord[];
  violations: Violation[];
  seconds: number;
}

function resultOf({ plan }: RunOptions, played: Played): RunResult {
  const { ledger, cast, records, violations, chatter, seconds, site } = played;
  const count = (is: (message: Ledger["messages"][number]) => boolean) => ledger.messages.filter(is).length;
  const views = cast.clients.flatMap((client) => [...client.views.values()]);
  return {
    ...{ faults: records, violations, seconds, outputs: site.outputs() },
    skipped: plan.reduce((sum, { faults }) => sum + faults.length, 0) - records.length,
    messages: ledger.messages.length,
    acknowledged: count(({ ack }) => ack !== null),
    matrixMessages: count(({ takenAt }) => takenAt !== null),
    cut: count(({ fate }) => fate === "cut"),
    resets: views.reduce((sum, { resets }) => sum + resets, 0),
    longestSilenceMs: chatter.longestSilenceMs,
  };
}
