/** Writes what a run found into its folder: report.md for people, report.json for programs, and the pictures. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Outcome, Table } from "./outcome.ts";

export interface RunFacts {
  scenario: string;
  /** The command line after `npm run load --`. */
  command: string;
  startedAt: Date;
  target: string;
}

export type Verdict = "passed" | "failed" | "generator was the limit";

export function verdictOf({ faults, limits }: Outcome): Verdict {
  if (faults.length > 0) return "failed";
  return limits.length > 0 ? "generator was the limit" : "passed";
}

/** Returns the text for people, which is also shown at the end of the run. */
export function writeReport(folder: string, facts: RunFacts, outcome: Outcome): string {
  const environment = describeEnvironment();
  const verdict = verdictOf(outcome);
  const isWithheld = outcome.limits.length > 0;
  const text = markdown(facts, environment, verdict, outcome);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "report.md"), text);
  const json = {
    ...facts,
    environment,
    verdict,
    faults: outcome.faults,
    limits: outcome.limits,
    notes: outcome.notes,
    figures: isWithheld ? null : outcome.figures,
  };
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(json, null, 2)}\n`);
  if (!isWithheld)
    for (const { file, svg } of outcome.charts) writeFileSync(join(folder, `${file}.svg`), svg);
  return text;
}

function markdown(
  { scenario, command, startedAt, target }: RunFacts,
  environment: Record<string, string>,
  verdict: Verdict,
  { tables, charts, faults, limits, notes }: Outcome,
): string {
  const isWithheld = limits.length > 0;
  const parts = [
    `# load ${scenario}: ${verdict}`,
    `\`npm run load -- ${command}\``,
    bullets([
      startedAt.toISOString(),
      target,
      ...Object.entries(environment).map(([what, is]) => `${what}: ${is}`),
    ]),
    ...section("Faults", faults),
    ...section("THE GENERATOR WAS THE LIMIT: no figure of this run says anything about the server", limits),
    ...(isWithheld ? [] : tables.map(tableText)),
    ...section("Notes", notes),
    ...(isWithheld ? [] : charts.map(({ file, title }) => `![${title}](${file}.svg)`)),
  ];
  return `${parts.join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, bullets(lines)];
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

/** A Markdown table that also reads well as it is. */
function tableText({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(String))];
  const widths = columns.map((_, at) => Math.max(3, ...cells.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? `:${"-".repeat(width + 1)}` : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [head, ...body] = cells as [string[], ...string[][]];
  return `## ${title}\n\n${[line(head), rule, ...body.map(line)].join("\n")}`;
}

function describeEnvironment(): Record<string, string> {
  const [cpu] = cpus();
  return {
    commit: commit(),
    machine: `${cpus().length} × ${cpu?.model.trim() ?? "CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`,
    node: process.version,
  };
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", args, {
        cwd: import.meta.dirname,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    const isChanged = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short", "HEAD") + (isChanged ? " with changes" : "");
  } catch {
    return "unknown"; // Not a clone, or no git.
  }
}
