/** What only the store in a file has: lines that a kill cut, and being written anew. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileStore } from "../../../src/client/stores/file.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causeway-file-"));
});
afterAll(() => rm(folder, { recursive: true }));

const pair = (n: number) =>
  [
    { table: "messages", key: `a${n}`, value: "x".repeat(n % 50) },
    { table: "rooms", key: "last", value: String(n) },
  ] as const;

test("a batch whose line was cut is not there at all, and the next one is", async () => {
  const path = join(folder, "cut");
  const store = fileStore(path);
  for (let n = 1; n <= 3; n++) await store.batch(pair(n));
  await store.close();
  const { size } = await stat(path);
  await truncate(path, size - 5);
  const again = fileStore(path);
  expect(await again.get("rooms", "last")).toBe("2");
  expect(await again.get("messages", "a3")).toBeUndefined();
  await again.batch(pair(4));
  await again.close();
  await appendFile(path, "0 not a line\n");
  const last = fileStore(path);
  expect(await last.range("messages")).toHaveLength(3);
  expect(await last.get("rooms", "last")).toBe("4");
  await last.close();
});

test("a file that grew is written anew, with what it holds", async () => {
  const path = join(folder, "grown");
  const store = fileStore(path, 2_000);
  for (let n = 1; n <= 300; n++) await store.batch([{ table: "rooms", key: String(n % 3), value: `${n}` }]);
  expect((await stat(path)).size).toBeLessThan(2_200);
  await store.batch([{ table: "rooms", key: "0", value: null }]);
  await store.close();
  const again = fileStore(path, 2_000);
  expect(await again.range("rooms")).toEqual([
    ["1", "298"],
    ["2", "299"],
  ]);
  await again.close();
});

test("a program that is killed while it writes leaves whole batches", async () => {
  const path = join(folder, "killed");
  const source = new URL("../../../dist/src/client/stores/file.js", import.meta.url);
  const program = `
    import { fileStore } from ${JSON.stringify(source.href)};
    const store = fileStore(${JSON.stringify(path)}, 20_000);
    for (let n = 1; ; n++) {
      await store.batch([
        { table: "messages", key: "a" + (n % 200), value: String(n).repeat(20) },
        { table: "rooms", key: "last", value: String(n) },
      ]);
      if (n % 100 === 0) console.log(n);
    }`;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let acknowledged = 0;
    child.stdout.on("data", (lines: Buffer) => {
      acknowledged = Math.max(acknowledged, ...lines.toString().trim().split("\n").map(Number));
      if (acknowledged >= 1_000) child.kill("SIGKILL");
    });
    await once(child, "close");
    const store = fileStore(path, 20_000);
    const last = Number(await store.get("rooms", "last"));
    expect(last).toBeGreaterThanOrEqual(acknowledged);
    expect(await store.get("messages", `a${last % 200}`)).toBe(String(last).repeat(20));
    await store.close();
  }
});
