/** `npm run load -- <scenario> [options]`. Start reading at scenarios/send.ts; cli.ts lists all scenarios. */
import { join } from "node:path";
import { CommanderError } from "commander";
import { buildProgram } from "./cli.ts";
import { checkCommonOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { type Verdict, verdictOf, writeReport } from "./report/report.ts";
import { openStage } from "./stage.ts";

const EXIT_CODES: Record<Verdict, number> = { passed: 0, failed: 1, "generator was the limit": 3 };
const UNUSABLE = 2;
const INTERRUPTED = 130;

const program = buildProgram(async (scenario, given) => {
  checkCommonOptions(given);
  const startedAt = new Date();
  const out = given.out ?? join("load/reports", `${folderTime(startedAt)}-${scenario.name}`);
  const progress = createProgress(given.progress);
  const stage = openStage({ ...given, out }, progress);
  try {
    const outcome = await Promise.race([scenario.run(stage as never), interruption()]);
    progress.finish();
    const command = process.argv
      .slice(2)
      .join(" ")
      .replace(/(--admin-token[ =])\S+/, "$1…");
    const facts = { scenario: scenario.name, command, startedAt, target: stage.described };
    process.stdout.write(`\n${writeReport(out, facts, outcome)}\nReport: ${join(out, "report.md")}\n`);
    process.exitCode = EXIT_CODES[verdictOf(outcome)];
  } finally {
    progress.finish();
    await stage.close();
  }
});

class Interrupted extends Error {}

/** Rejects on Ctrl-C; what was started is ended as after a failure. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => reject(new Interrupted(`${signal}: everything that was started is ended`)));
    }
  });
}

function folderTime(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(":", "-");
}

for (const command of [program, ...program.commands]) command.exitOverride();
program.parseAsync().then(
  () => process.exit(),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : UNUSABLE);
    process.stderr.write(`load: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof Interrupted ? INTERRUPTED : UNUSABLE);
  },
);
