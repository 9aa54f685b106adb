/** What tests run from elsewhere is found when a test asks, once per run, and never for a file that needs nothing. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { findPrograms } from "./programs.ts";

const ROOT = resolve(import.meta.dirname, "../..");

describe("findPrograms", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("names a program once, however many ask", async () => {
    const say = vi.fn();
    const has = findPrograms(say);
    await Promise.all([has("postgres"), has("postgres")]);
    await has("postgres");
    expect(say).toHaveBeenCalledOnce();
    expect(say).toHaveBeenCalledWith(expect.stringMatching(/^tests use PostgreSQL \d+\.\d+ \(\w+\)$/));
  });

  test("refuses everybody for the same reason, and says how to get the program", async () => {
    const say = vi.fn();
    const has = findPrograms(say);
    vi.stubEnv("PATH", "");
    await expect(has("chromium")).rejects.toThrow(/^no chromium in PATH; .*install/);
    vi.unstubAllEnvs();
    await expect(has("chromium")).rejects.toThrow(/^no chromium in PATH; .*install/);
    expect(say).not.toHaveBeenCalled();
  });
});

test("a run of a file that needs no service finds and installs none", async () => {
  const cache = mkdtempSync(join(tmpdir(), "causeway-cache-"));
  const program = join(ROOT, "node_modules/vitest/vitest.mjs");
  const env = { ...process.env, CAUSEWAY_CACHE_DIR: cache };
  const pure = "test/protocol/codec.test.ts";
  const run = await promisify(execFile)(process.execPath, [program, "run", pure], { cwd: ROOT, env });
  expect(run.stdout).toContain("1 passed");
  expect(run.stdout).not.toMatch(/tests use|Setting up/);
  expect(readdirSync(cache)).toEqual([]);
  rmSync(cache, { recursive: true, force: true });
});
