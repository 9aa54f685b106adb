/** The measured heart of several scenarios: clients are opened, messages sent at a steady rate, deliveries checked. */
import { addFaults, type SeqFaults } from "../measuring/checker.ts";
import { now } from "../measuring/clock.ts";
import { generatorLimits } from "../measuring/generator-verdict.ts";
import { mergeLatencies, type Percentiles } from "../measuring/latency.ts";
import type { OwnLoad } from "../measuring/own-load.ts";
import { machineUse, type ProcessUse, processUse } from "../measuring/process-watch.ts";
import type { ClientSpec, Sample, Sent } from "../orders.ts";
import { addCounts, number, tallied } from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import type { Target } from "../target/target.ts";

/** Connections that all workers together may be opening at once. */
const OPENING_AT_ONCE = 256;
/** Workers get their orders before the schedule starts. */
const LEAD_MS = 500;

/** Opens clients, spread over the workers. @throws Error when one of them does not become ready */
export async function openClients(
  stage: Stage,
  target: Target,
  clients: readonly ClientSpec[],
): Promise<Percentiles> {
  const crew = stage.crew();
  stage.progress.step(`opening ${number(clients.length)} connections`, 1);
  const { hostname, port, protocol } = target.url;
  const secure = protocol === "https:";
  const opened = await crew.ask("open", (worker) => ({
    dialect: target.dialect,
    endpoint: { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (secure ? 443 : 80)), secure },
    clients: partOf(clients, worker, crew.size),
    inFlight: Math.max(1, Math.floor(OPENING_AT_ONCE / crew.size)),
  }));
  stage.progress.at(1);
  const failures = addCounts(opened.map((one) => one.failures));
  if (Object.keys(failures).length > 0)
    throw new Error(`connections did not become ready: ${tallied(failures)}`);
  return mergeLatencies(opened.map(({ latency }) => latency));
}

function partOf<T>(all: readonly T[], worker: number, workers: number): T[] {
  return all.filter((_, index) => index % workers === worker);
}

export interface Sends {
  /** Messages a second of all clients together. */
  rate: number;
  size: number;
  /** Only to these rooms. */
  rooms?: string[];
}

export interface SendResult {
  /** Seconds. */
  window: number;
  intended: number;
  sent: number;
  acked: number;
  delivered: number;
  refused: Record<string, number>;
  unanswered: number;
  ack: Percentiles;
  delivery: Percentiles;
  lateness: Percentiles;
  /** CPU seconds within the window, and bytes at its end; null where not ours to see. */
  server: ProcessUse | null;
  database: ProcessUse | null;
  /** CPU seconds of the workers. */
  generatorCpu: number;
  /** Share of all cores of the machine that worked. */
  machine: number;
  /** CPU seconds of processes that are not part of the run. */
  othersCpu: number | null;
  loads: OwnLoad[];
  series: Moment[];
  limits: string[];
}

/** Rates since the moment before, at a time of the run. */
export interface Moment {
  /** Seconds since the start. */
  at: number;
  sent: number;
  acked: number;
  delivered: number;
  /** Sends without an answer: the queue as clients see it. */
  unanswered: number;
  /** Resident bytes of the server. */
  rss: number;
}

/** Sends from the clients that are open, all of them in turn, and measures. */
export async function measureSends(
  stage: Stage,
  target: Target,
  { rate, size, rooms }: Sends,
): Promise<SendResult> {
  const { warmup, duration } = stage.options;
  const crew = stage.crew();
  const senders = await crew.ask("senders", () => ({ rooms }));
  const all = senders.reduce((sum, count) => sum + count, 0);
  const startAt = now() + LEAD_MS;
  const bar = stage.progress.overTime(`sending ${number(rate)}/s to ${target.name}`, warmup + duration);
  const series = watchSeries(stage, target, startAt, bar.note);
  const use = measureUse(target, startAt + warmup * 1000, duration * 1000);
  const idPrefix = `${Date.now().toString(36)}-`;
  const sent = await crew.ask("send", (worker) => ({
    rate: (rate * (senders[worker] ?? 0)) / all,
    // Workers take turns.
    startAt: startAt + (worker * 1000) / rate,
    warmupMs: warmup * 1000,
    durationMs: duration * 1000,
    size,
    idPrefix: `${idPrefix}${worker}-`,
    ...(rooms && { rooms }),
  }));
  crew.onSample(null);
  bar.end();
  const result = resultOf(sent, duration);
  const { busy, ...used } = await use;
  const ours = result.generatorCpu + (used.server?.cpu ?? 0) + (used.database?.cpu ?? 0);
  return { ...result, ...used, othersCpu: used.server ? Math.max(0, busy - ours) : null, series };
}

/** Shares of the machine in a window that starts later. */
async function measureUse(target: Target, startAt: number, durationMs: number) {
  await until(startAt);
  const before = usesNow(target);
  await until(startAt + durationMs);
  const after = usesNow(target);
  const busy = after.machine.busy - before.machine.busy;
  return {
    server: difference(before.server, after.server),
    database: difference(before.database, after.database),
    busy,
    machine: busy / Math.max(0.01, after.machine.total - before.machine.total),
  };
}

function usesNow({ pids }: Target) {
  return { server: processUse(pids.server), database: processUse(pids.database), machine: machineUse() };
}

function difference(before: ProcessUse | null, after: ProcessUse | null): ProcessUse | null {
  return before && after && { cpu: after.cpu - before.cpu, rss: after.rss };
}

function watchSeries(
  stage: Stage,
  target: Target,
  startAt: number,
  onNote: (note: string) => void,
): Moment[] {
  const series: Moment[] = [];
  let last: Sample | null = null;
  stage.crew().onSample((sample) => {
    const before = last;
    if (before && sample.at - before.at < 200) return;
    last = sample;
    if (before === null) return;
    const seconds = (sample.at - before.at) / 1000;
    const moment = {
      at: (sample.at - startAt) / 1000,
      sent: (sample.sent - before.sent) / seconds,
      acked: (sample.acked - before.acked) / seconds,
      delivered: (sample.delivered - before.delivered) / seconds,
      unanswered: sample.outstanding,
      rss: processUse(target.pids.server)?.rss ?? 0,
    };
    series.push(moment);
    onNote(
      `${number(Math.round(moment.acked))} acked/s · ${number(Math.round(moment.delivered))} delivered/s`,
    );
  });
  return series;
}

function resultOf(sent: readonly Sent[], duration: number) {
  const sum = (count: (one: Sent) => number) => sent.reduce((total, one) => total + count(one), 0);
  const window = Math.max(...sent.map(({ windowMs }) => windowMs)) / 1000;
  const lateness = mergeLatencies(sent.map((one) => one.lateness));
  const loads = sent.map(({ load }) => load);
  return {
    window,
    intended: sum((one) => one.intended),
    sent: sum((one) => one.sent),
    acked: sum((one) => one.acked),
    delivered: sum((one) => one.delivered),
    refused: addCounts(sent.map(({ refused }) => refused)),
    unanswered: sum((one) => one.unanswered),
    ack: mergeLatencies(sent.map(({ ackLatency }) => ackLatency)),
    delivery: mergeLatencies(sent.map(({ deliveryLatency }) => deliveryLatency)),
    lateness,
    loads,
    generatorCpu: loads.reduce((total, { cpu }) => total + cpu, 0) * window,
    limits: generatorLimits({ loads, lateness, overtime: window / duration }),
  };
}

export interface CheckResult extends SeqFaults {
  /** (client, room) pairs that were looked at. */
  checked: number;
  lost: Record<string, number>;
}

/** Waits until every client has seen everything of its rooms, and counts what it has not. */
export async function checkDeliveries(stage: Stage): Promise<CheckResult> {
  const crew = stage.crew();
  stage.progress.step("waiting for the last deliveries", 1);
  const heads: Record<string, number> = {};
  for (const part of await crew.ask("heads", () => null)) {
    for (const [room, head] of Object.entries(part)) heads[room] = Math.max(heads[room] ?? 0, head);
  }
  const settled = await crew.ask("settle", () => ({ heads, limitMs: stage.options.settle * 1000 }));
  stage.progress.at(1);
  return {
    ...addFaults(settled),
    checked: settled.reduce((sum, { checked }) => sum + checked, 0),
    lost: addCounts(settled.map(({ lost }) => lost)),
  };
}

/** In words; none when all is well. */
export function faultsOf({ missing, doubled, disordered, lost }: CheckResult): string[] {
  const count = (many: number, what: string) => (many === 0 ? [] : [`${number(many)} ${what}`]);
  return [
    ...count(missing, "missing"),
    ...count(doubled, "doubled"),
    ...count(disordered, "out of order"),
    ...(Object.keys(lost).length === 0 ? [] : [`connections were lost: ${tallied(lost)}`]),
  ];
}

async function until(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - now())));
}
