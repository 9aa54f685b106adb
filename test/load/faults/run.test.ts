/** The short forms of the runs of faults, as their command line starts them: real parts, broken, and nothing lost. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { serverFleet } from "../../black-box/server-process.ts";

const PROGRAM = resolve(import.meta.dirname, "../../../dist/load/faults/main.js");

interface Run {
  code: number | null;
  output: string;
}

async function faults(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, ["--enable-source-maps", PROGRAM, ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const code = await new Promise<number | null>((ended) => child.once("close", ended));
  return { code, output };
}

function report(folder: string): { faults: string[]; figures: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as never;
}

describe("npm run faults", () => {
  const { dataDir } = serverFleet();

  test("keeps every promise while parts are killed, cut off, slowed and promoted", async () => {
    const out = dataDir();
    const kinds = ["--kinds", "kill", "stop", "cut", "slow", "promote"];
    const size = ["--minutes", "0.6", "--seed", "11", "--clients", "4", "--rooms", "2", "--every", "600"];
    const { output } = await faults(...size, ...kinds, "--out", out);
    const { faults: found, figures } = report(out);
    expect(found, output).toEqual([]);
    expect(figures.faults).toBeGreaterThanOrEqual(2);
    expect(figures.acknowledged).toBeGreaterThan(50);
  }, 400_000);

  test("cut histories are noticed by every reader with a proof", async () => {
    const out = dataDir();
    const { output } = await faults("histories", "--count", "4", "--seed", "2", "--out", out);
    const { faults: found, figures } = report(out);
    expect(found, output).toEqual([]);
    expect(figures.undetected).toBe(0);
    expect(figures.rounds).toHaveLength(4);
  }, 200_000);

  test("--plan prints what would be done, and does nothing", async () => {
    const first = await faults("--minutes", "30", "--seed", "7", "--plan");
    expect(first.code).toBe(0);
    expect(first.output).toMatch(/^seed 7\n +0\.0 s {2}\w/);
    expect((await faults("--minutes", "30", "--seed", "7", "--plan")).output).toBe(first.output);
  });

  test.each([
    [["--minutes", "0"], /--minutes.*from 0\.1 to/s],
    [["--kinds", "rain"], /--kinds.*kill/s],
    [["histories", "--count", "x"], /--count.*from 1 to/s],
    [["mirror", "--operations", "0"], /--operations.*from 1 to/s],
  ])("%j can't be used, and says why", async (args, reason) => {
    const { code, output } = await faults(...args);
    expect(output).toMatch(reason);
    expect(code).toBe(2);
  });
});
