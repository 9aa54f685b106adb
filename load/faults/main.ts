/** `npm run faults -- [options]`. Start reading at run.ts; plan.ts and kinds.ts say what is done to a site. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommanderError } from "commander";
import { createProgress, type Progress } from "../progress.ts";
import type { Outcome } from "../report/outcome.ts";
import { verdictOf, writeReport } from "../report/report.ts";
import { buildProgram, type MirrorOptions } from "./cli.ts";
import { runHistories } from "./histories/histories.ts";
import { historiesOutcome } from "./histories/report.ts";
import { makeMirrorPlan } from "./mirror/plan.ts";
import { mirrorOutcome } from "./mirror/report.ts";
import { runMirror } from "./mirror/run.ts";
import { makePlan, planText } from "./plan.ts";
import { outcomeOf } from "./report.ts";
import { runFaults } from "./run.ts";

const UNUSABLE = 2;
const INTERRUPTED = 130;
/** Operations between two lines of a log. */
const TOLD_EVERY = 100;

const program = buildProgram({
  mirror,
  run: async (options) => {
    const seed = options.seed ?? newSeed();
    const seconds = options.minutes * 60;
    const plan = makePlan({ seed, seconds, kinds: options.kinds });
    process.stdout.write(`seed ${seed}\n`);
    if (options.plan) {
      process.stdout.write(`${planText(plan)}\n`);
      return;
    }
    const faults = plan.reduce((sum, { faults: those }) => sum + those.length, 0);
    await reported("faults", options, async (progress, signal) => {
      const result = await runFaults({
        ...{ plan, seed, signal, clients: options.clients, rooms: options.rooms, everyMs: options.every },
        isSynchronous: !options.async,
        limitSeconds: seconds,
        onStep: (what) => progress.step(what, 1),
        onFault: (done, total, what) => {
          if (done === 0) progress.step(`${faults} faults, seed ${seed}`, total);
          tell(progress, done, what);
        },
      });
      return {
        outcome: outcomeOf(result, seed),
        target: "two gateways, two bridges",
        outputs: result.outputs,
      };
    });
  },
  histories: async (options) => {
    const seed = options.seed ?? newSeed();
    process.stdout.write(`seed ${seed}\n`);
    await reported("histories", options, async (progress, signal) => {
      progress.step(`${options.count} histories, seed ${seed}`, options.count);
      const onRound = (done: number, what: string) => tell(progress, done, what);
      const result = await runHistories({ count: options.count, seed, signal, onRound });
      const target = "one server, PostgreSQL with an asynchronous standby";
      return { outcome: historiesOutcome(result, seed), target, outputs: result.outputs };
    });
  },
});

async function mirror({ minutes, ...options }: MirrorOptions): Promise<void> {
  const seed = options.seed ?? newSeed();
  const seconds = minutes * 60;
  const plan = makeMirrorPlan({ seed, seconds });
  process.stdout.write(`seed ${seed}\n`);
  if (options.plan) {
    process.stdout.write(`${planText(plan)}\n`);
    return;
  }
  await reported("mirror", options, async (progress, signal) => {
    const { operations, people, rooms } = options;
    const result = await runMirror({
      ...{ plan, seed, seconds, operations, people, rooms, signal },
      onStep: (what) => progress.step(what, 1),
      onProgress: (done, what) => {
        if (done === 1) progress.step(`${operations} operations, seed ${seed}`, operations);
        if (process.stderr.isTTY) progress.at(done, what);
        else if (done % TOLD_EVERY === 0) tell(progress, done, what);
      },
    });
    const target = "two gateways, two bridges, Synapse";
    return { outcome: mirrorOutcome(result, seed), target, outputs: result.outputs };
  });
}

interface Reported {
  outcome: Outcome;
  target: string;
  outputs: Record<string, string>;
}

async function reported(
  name: string,
  { out, progress: isShown }: { out?: string; progress: boolean },
  work: (progress: Progress, signal: AbortSignal) => Promise<Reported>,
): Promise<void> {
  const startedAt = new Date();
  const folder =
    out ?? join("load/reports", `${startedAt.toISOString().slice(0, 19).replaceAll(":", "-")}-${name}`);
  const progress = createProgress(isShown);
  try {
    const { outcome, target, outputs } = await work(progress, interruption());
    progress.finish();
    const facts = { scenario: name, command: process.argv.slice(2).join(" "), startedAt, target };
    process.stdout.write(`\n${writeReport(folder, facts, outcome)}\nReport: ${join(folder, "report.md")}\n`);
    for (const [part, output] of Object.entries(outputs)) writeFileSync(join(folder, `${part}.log`), output);
    process.exitCode = verdictOf(outcome) === "passed" ? 0 : 1;
  } finally {
    progress.finish();
  }
}

/** Where no bar is shown, a line says what happens now: the log of a long run. */
function tell(progress: Progress, done: number, what: string): void {
  progress.at(done, what);
  if (!process.stderr.isTTY) process.stderr.write(`  ${new Date().toISOString()} ${done}: ${what}\n`);
}

class Interrupted extends Error {}

/** Aborts on Ctrl-C; what was started is ended as after a failure. */
function interruption(): AbortSignal {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () =>
      ending.abort(new Interrupted(`${signal}: everything that was started is ended`)),
    );
  }
  return ending.signal;
}

function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

for (const command of [program, ...program.commands]) command.exitOverride();
program.parseAsync().then(
  () => process.exit(),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : UNUSABLE);
    process.stderr.write(`faults: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof Interrupted ? INTERRUPTED : UNUSABLE);
  },
);
