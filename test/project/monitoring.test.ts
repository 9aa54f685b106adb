/** What a running server tells operators, and that deploy/'s alerts, dashboard, runbook and unit speak of what there is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { type Server, startServer } from "../../src/app/server.ts";
import { readConfig } from "../../src/config.ts";
import { describeWith } from "../services/need.ts";
import { read } from "./compose-file.ts";

interface Rule {
  alert: string;
  expr: string;
  annotations: { summary: string };
}
const rules = (parse(read("deploy/prometheus/alerts.yml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
interface Panel {
  title: string;
  targets: { expr: string }[];
}
const { panels } = JSON.parse(read("deploy/grafana/causeway.json")) as { panels: Panel[] };

/** The metrics that an expression of PromQL reads. */
function metricsIn(expr: string): string[] {
  return expr.match(/\b(causeway|nodejs|process)_\w+/g) ?? [];
}

describeWith(["postgres", "redis"], "a running server", ({ postgres, redis }) => {
  const dataDir = mkdtempSync(join(tmpdir(), "causeway-monitoring-"));
  let server: Server;
  const scrape = async () => await (await fetch(`${server.url}/metrics`)).text();
  const figure = (text: string, series: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(series))
        ?.split(" ")
        .at(-1),
    );
  beforeAll(async () => {
    const settings = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, DATA_DIR: dataDir, PORT: "0" };
    // Nobody listens there: the bridge is up, and waits for its homeserver.
    const matrix = { MATRIX_HOMESERVER_URL: "http://127.0.0.1:9", LOG_LEVEL: "silent", DEMO: "off" };
    server = await startServer(
      readConfig({ ...settings, ...matrix, ADMIN_TOKEN: "an-admin-token-of-tests" }),
      () => {},
    );
    await vi.waitFor(async () => expect(await scrape()).toContain("causeway_bridge_connected 0"), {
      timeout: 15_000,
    });
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("exports every metric that alerts and the dashboard read", async () => {
    const types = [...(await scrape()).matchAll(/^# TYPE (\w+) (\w+)$/gm)];
    const names = new Set(
      types.flatMap(([, name, type]) =>
        type === "histogram" ? ["bucket", "count", "sum"].map((part) => `${name}_${part}`) : [name],
      ),
    );
    const expressions = [
      ...rules.map(({ expr }) => expr),
      ...panels.flatMap((panel) => panel.targets.map(({ expr }) => expr)),
    ];
    const wanted = new Set(expressions.flatMap(metricsIn));
    expect(wanted.size).toBeGreaterThan(20);
    expect([...wanted].filter((name) => !names.has(name))).toEqual([]);
  });

  test("counts requests by route, never by path, and names the build", async () => {
    const headers = { authorization: "Bearer an-admin-token-of-tests" };
    for (const id of [1, 2, 3]) await fetch(`${server.url}/admin/v1/users/${id}`, { headers });
    await fetch(`${server.url}/nowhere/${Math.random()}`);
    const text = await scrape();
    const series = (labels: string) => figure(text, `causeway_http_request_seconds_count{${labels}}`);
    expect(series('api="admin",route="/admin/v1/users/:id",method="GET",status="404"')).toBe(3);
    expect(series('api="none",route="none",method="GET",status="404"')).toBe(1);
    expect(text).toMatch(
      /causeway_build_info\{version="\d+\.\d+\.\d+",commit="\w+",node="\d+\.\d+\.\d+"\} 1/,
    );
    expect(text).not.toContain("/nowhere");
    for (const name of ["store_statement", "redis_round_trip"])
      expect(figure(text, `causeway_${name}_seconds_count`), name).toBeGreaterThan(0);
  });

  test("tells what waits to be delivered to webhooks, and how long it has", async () => {
    const text = await scrape();
    expect([
      figure(text, "causeway_webhook_backlog "),
      figure(text, "causeway_webhook_oldest_seconds "),
    ]).toEqual([0, 0]);
  });

  test.each([
    ["one that a proxy gave", "abc-123:7.x", "abc-123:7.x"],
    ["a new one for what could forge a line of the log", '"},{"level":60', null],
    ["a new one for what is too long", "x".repeat(129), null],
  ])("every answer has a request id: %s", async (_, given, expected) => {
    for (const path of ["/healthz", "/nowhere", "/login", "/openapi/admin.json", "/"]) {
      const answer = await fetch(`${server.url}${path}`, { headers: { "x-request-id": given } });
      const id = answer.headers.get("x-request-id");
      if (expected === null) expect(id).toMatch(/^[\da-f-]{36}$/);
      else expect(id).toBe(expected);
    }
  });
});

describe("deploy/", () => {
  test("each alert has its chapter in the runbook, and each chapter its alert", () => {
    const chapters = [...read("deploy/RUNBOOK.md").matchAll(/^## (Causeway\w+)$/gm)].map(([, name]) => name);
    expect(chapters).toEqual(rules.map(({ alert }) => alert));
    expect(new Set(chapters).size).toBe(chapters.length);
    for (const { alert, annotations } of rules) expect(annotations.summary, alert).toMatch(/\w/);
  });

  test("what the runbook names is there", () => {
    const runbook = read("deploy/RUNBOOK.md");
    const known = [
      ...rules.flatMap(({ expr }) => metricsIn(expr)),
      ...panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr))),
    ];
    const bare = new Set(
      [...known, "causeway_bridge_rate_limited_total"].map((name) =>
        name.replace(/_(bucket|count|sum)$/, ""),
      ),
    );
    const named = metricsIn(runbook).map((name) => name.replace(/_(bucket|count|sum)$/, ""));
    expect(named.filter((name) => !bare.has(name))).toEqual([]);
  });

  test("systemd takes the unit", (context) => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-unit-"));
    const unit = join(folder, "causeway.service");
    writeFileSync(unit, read("deploy/systemd/causeway.service").replace("/usr/bin/node", process.execPath));
    try {
      expect(execFileSync("systemd-analyze", ["verify", unit], { encoding: "utf8" })).toBe("");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT")
        return context.skip("there is no systemd-analyze");
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
