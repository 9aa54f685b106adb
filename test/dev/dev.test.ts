/** `npm run dev`: a change of the sources is running a moment later, and Ctrl-C ends everything. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { environment } from "../../load/target/own-causeway.ts";
import { processesNaming } from "../black-box/processes.ts";
import { describeWith } from "../services/need.ts";

const root = resolve(import.meta.dirname, "../..");
/** What `npm run dev` reads. A build that is there already makes the one of the test shorter. */
const PARTS = ["src", "bridge", "load", "dev", "dist", "package.json"];
const TSCONFIGS = ["tsconfig.json", "tsconfig.build.json", "tsconfig.web.json"];
/** Two builds and two starts on a busy machine. */
const LIMIT_MS = 300_000;

/** The sources in a folder of the test's own, so that it can change them. */
function copyOfSources(): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-dev-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of [...PARTS, ...TSCONFIGS])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Starts `npm run dev` in a process group of its own, as a terminal does. */
function runDev(folder: string, databaseUrl: string) {
  const env = environment({ HOST: "127.0.0.1", PORT: "0", DATABASE_URL: databaseUrl, TMPDIR: folder });
  const child = spawn("npm", ["run", "dev"], { cwd: folder, env, stdio: "pipe", detached: true });
  const group = -(child.pid as number);
  const closed = once(child, "close");
  onTestFinished(() => {
    if (processesNaming(folder).length > 0) process.kill(group, "SIGKILL");
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => said.push(line));

  /** The next line that matches. */
  async function next(pattern: RegExp): Promise<string> {
    const found = new Promise<string>((resolve) => {
      lines.on("line", (line) => pattern.test(line) && resolve(line));
    });
    const ended = closed.then((): never => {
      throw new Error(`npm run dev ended before it said ${pattern}:\n${said.join("\n")}`);
    });
    return await Promise.race([found, ended]);
  }

  /** Ctrl-C. Resolves when everybody who could write to the terminal has ended. */
  async function interrupt(): Promise<void> {
    process.kill(group, "SIGINT");
    await closed;
  }
  return { next, interrupt };
}

describeWith("postgres", "npm run dev", ({ postgres }) => {
  test("a change of the sources is compiled, and the server that has it takes the place of the former", {
    timeout: LIMIT_MS,
  }, async () => {
    const folder = copyOfSources();
    const dev = runDev(folder, postgres.url);
    const watches = dev.next(/^dev: watching/);
    expect(await dev.next(/^Causeway ready/)).toMatch(/ http:\/\/127\.0\.0\.1:\d+ \(open/);
    await watches;

    const welcome = join(folder, "src/app/welcome.ts");
    const text = readFileSync(welcome, "utf8");
    const restarts = dev.next(/^dev: ready after/);
    const anew = dev.next(/^Causeway ready anew/);
    writeFileSync(welcome, text.replaceAll("`Causeway ready:", "`Causeway ready anew:"));
    await Promise.all([anew, restarts]);

    await dev.interrupt();
    expect(processesNaming(folder)).toEqual([]);
  });
});
