/** Locks that the kernel releases with the process that holds them. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fileLock, lockFolder, tryFileLock } from "../src/file-lock.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "causeway-lock-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a lock on a file", () => {
  test("is held by one at a time", async () => {
    const path = join(folder, "one.lock");
    const first = await tryFileLock(path);
    expect(await tryFileLock(path)).toBeNull();
    first?.release();
    (await tryFileLock(path))?.release();
  });

  test.runIf(process.platform === "linux")("of a killed process blocks nobody", async () => {
    const path = join(folder, "killed.lock");
    const owner = spawn("flock", ["-x", path, "sleep", "60"], { detached: true, stdio: "ignore" });
    await vi.waitFor(async () => {
      const lock = await tryFileLock(path);
      lock?.release();
      expect(lock).toBeNull();
    });
    const waits = vi.fn(() => process.kill(-(owner.pid ?? 0), "SIGKILL"));
    const lock = await fileLock(path, waits);
    expect(waits).toHaveBeenCalledOnce();
    lock.release();
  });
});

describe("a lock on a folder", () => {
  const advice = { inUse: "Stop that one", noCommand: "use another database" };

  test("says what to do while somebody has it", async () => {
    const lock = await lockFolder(folder, advice);
    await expect(lockFolder(folder, advice)).rejects.toThrow(
      `${folder} is in use by another process. Stop that one`,
    );
    lock.release();
    (await lockFolder(folder, advice)).release();
  });

  test.runIf(process.platform === "linux")("says what to do where flock(1) is missing", async () => {
    vi.stubEnv("PATH", folder);
    await expect(lockFolder(folder, advice)).rejects.toThrow(
      /flock is missing\. Install util-linux, or use another database$/,
    );
    vi.unstubAllEnvs();
  });
});
