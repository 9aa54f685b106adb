/** The load command line against a real server, and what it says when the network loses and repeats deliveries. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN_TOKEN, type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { startMeddlingProxy } from "./meddling-proxy.ts";

const PROGRAM = resolve(import.meta.dirname, "../../dist/load/main.js");
/** The generator was the limit: on a busy machine that is no fault of what is tested here. */
const LIMITED = 3;
const TINY = "--rooms 2 --members 3 --rate 40 --duration 2 --warmup 0 --settle 1 --workers 2".split(" ");

interface Run {
  code: number | null;
  output: string;
  report: { verdict: string; faults: string[] } | null;
}

async function load(args: readonly string[], out: string): Promise<Run> {
  const child = spawn(process.execPath, [PROGRAM, ...args, "--out", out], {
    env: { ...process.env, ADMIN_TOKEN },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const code = await new Promise<number | null>((ended) => child.once("close", ended));
  const path = join(out, "report.json");
  return { code, output, report: existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null };
}

describe("npm run load", () => {
  const fleet = serverFleet();
  const folder = fleet.dataDir();
  let server: ServerProcess;
  beforeAll(async () => {
    server = await fleet.start();
  });
  afterAll(() => server.stop());

  test("send finds nothing missing and nothing doubled, and writes its report", async () => {
    const out = join(folder, "whole");
    const { code, output, report } = await load(["send", "--url", server.url, ...TINY], out);
    expect(report?.faults, output).toEqual([]);
    expect([0, LIMITED]).toContain(code);
    expect(readFileSync(join(out, "report.md"), "utf8")).toMatch(/^# load send: /);
    if (code === 0) expect(readFileSync(join(out, "latency.svg"), "utf8")).toMatch(/^<svg/);
  });

  test("send reports exactly the one delivery that was lost and the one that came twice, and fails", async () => {
    let events = 0;
    const proxy = await startMeddlingProxy(server.url, (text) => {
      if (!text.startsWith('{"op":"event"')) return [text];
      events++;
      if (events === 20) return [];
      return events === 40 ? [text, text] : [text];
    });
    const { code, output, report } = await load(
      ["send", "--url", proxy.url, ...TINY],
      join(folder, "meddled"),
    );
    await proxy.stop();
    expect(report?.faults, output).toEqual(["1 missing", "1 doubled"]);
    expect(report?.verdict).toBe("failed");
    expect(code).toBe(1);
  });
});

describe("the command line of load", () => {
  const { dataDir } = serverFleet();

  test.each([
    [["send", "--url", "http://chat.example.org"], /--i-own-this-server/],
    [["send", "--rate", "0"], /--rate.*from 1 to/s],
    [["send", "--duration", "1e9"], /--duration.*from 1 to/s],
    [["send", "--url", "ftp://127.0.0.1"], /http/],
    [["nonsense"], /unknown command/],
  ])("%j can't be used, and says why", async (args, reason) => {
    const { code, output } = await load(args, join(dataDir(), "none"));
    expect(output).toMatch(reason);
    expect(code).toBe(2);
  });

  test("--help names every scenario", async () => {
    const { code, output } = await load(["--help"], dataDir());
    expect(code).toBe(0);
    for (const name of [
      "send",
      "fanout",
      "idle",
      "storm",
      "siege",
      "rooms",
      "history",
      "search",
      "receipts",
      "bridge",
      "growth",
      "compare",
    ]) {
      expect(output).toMatch(new RegExp(`^  ${name} `, "m"));
    }
  });
});

describeWith("caddy", "npm run load -- siege", () => {
  const { dataDir } = serverFleet();

  test("measures the pings of sessions while strangers besiege the proxy, and ends what it started", async () => {
    const out = dataDir();
    const few =
      "--sessions 3 --docs 5 --spaces 2 --downloads 3 --uploads 2 --junk-tokens 3 --duration 2".split(" ");
    // How fast it is says nothing in a suite of tests; that it is measured does.
    const { output, report } = await load(["siege", ...few, "--most-ping", "60000"], out);
    expect(report, output).toMatchObject({ verdict: "passed", faults: [] });
    expect(output).toMatch(/^\| under siege +\| +\d/m);
  });
});
