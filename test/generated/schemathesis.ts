/**
 * Runs schemathesis, which makes requests of every kind from an OpenAPI document (plain, at the bounds, broken, and
 * one after the other), against a running server, and judges what comes back by the same document.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Run {
  command: string;
  /** The server. */
  url: string;
  /** In `/openapi/{api}.json`. */
  api: string;
  /** Below the server's URL. */
  basePath?: string;
  headers: Record<string, string>;
  /** Things that exist, by name; what is made up names nothing. */
  known: Record<string, readonly (string | number)[]>;
  /** Where they belong: `path.roomID`, `query.organization_id`, `body.users[*]`; for all operations. */
  fields: Record<string, string>;
  /** The same for operations (`GET /path`) that match this regular expression. */
  fieldsOf?: Record<string, Record<string, string>>;
  /** Operations (paths) that have good reason to answer 503 on this server. */
  unavailable?: readonly string[];
  /** Operations (`GET /path`) that are left out. */
  leftOut?: readonly string[];
  /** Most requests per operation and phase. */
  examples: number;
}

export interface Verdict {
  requests: number;
  operations: { total: number; tested: number };
  /** `Server error: POST /v1/contacts`; must stay empty. */
  failures: string[];
  /** What it wrote, for people who look into a failure. */
  output: string;
}

const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];
const SEED = 20_240_607;
/** How often a field gets something that exists. */
const KNOWN_PROBABILITY = 0.7;
const MAX_SHOWN_CHARACTERS = 20_000;

export async function runSchemathesis(run: Run): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-generated-"));
  try {
    const config = join(folder, "schemathesis.toml");
    const report = join(folder, "report.json");
    writeFileSync(config, configuration(run));
    const { code, output } = await start(run.command, argumentsOf(run, config, report), folder);
    // 1: there are failures, and the report tells them.
    if (code !== 0 && code !== 1) throw new Error(`schemathesis ended with ${code}:\n${output}`);
    return verdict(JSON.parse(readFileSync(report, "utf8")), output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function argumentsOf({ api, url, basePath = "", headers }: Run, config: string, report: string): string[] {
  return [
    ...["--config-file", config, "run", `${url}/openapi/${api}.json`, "--url", url + basePath],
    ...["--checks", CHECKS.join(","), "--seed", String(SEED), "--generation-database", "none"],
    ...["--continue-on-failure", "--no-color", "--warnings", "off"],
    // Credentials are no field like any other: what is refused for them is tried with who may do what.
    ...["--generation-with-security-parameters", "false"],
    ...["--suppress-health-check", "all", "--report", "json", "--report-json-path", report],
    ...Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
  ];
}

/** TOML, whose texts and lists are JSON's. */
function configuration({
  known,
  fields,
  fieldsOf = {},
  unavailable = [],
  leftOut = [],
  examples,
}: Run): string {
  const bound = (section: string, names: Record<string, string>) => [
    section,
    ...Object.entries(names).map(
      ([field, name]) => `"${field}" = { dictionary = "${name}", probability = ${KNOWN_PROBABILITY} }`,
    ),
  ];
  const lines = [
    `generation.max-examples = ${examples}`,
    ...Object.entries(known).flatMap(([name, values]) => [
      `[dictionaries.${name}]`,
      `values = ${JSON.stringify(values)}`,
    ]),
    ...bound("[parameters]", fields),
    ...Object.entries(fieldsOf).flatMap(([pattern, names]) => [
      "[[operations]]",
      `include-name-regex = ${JSON.stringify(pattern)}`,
      ...bound("[operations.parameters]", names),
    ]),
    ...unavailable.flatMap((path) => [
      "[[operations]]",
      `include-path = ${JSON.stringify(path)}`,
      'checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]',
    ]),
    ...leftOut.flatMap((name) => [
      "[[operations]]",
      `include-name = ${JSON.stringify(name)}`,
      "enabled = false",
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

async function start(
  command: string,
  args: string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, output: shortened(output) };
}

/** Requests that are long for a reason make no good reading. */
function shortened(output: string): string {
  const lines = output.split("\n").map((line) => (line.length > 500 ? `${line.slice(0, 500)} …` : line));
  return lines.join("\n").slice(-MAX_SHOWN_CHARACTERS);
}

interface Report {
  test_cases: { generated: number; errored: number };
  operations: { selected: number; tested: number };
  failures: { title: string; operations: string[] }[];
  errors: unknown[];
}

function verdict(report: Report, output: string): Verdict {
  const { test_cases, operations, failures, errors } = report;
  return {
    requests: test_cases.generated,
    operations: { total: operations.selected, tested: operations.tested },
    failures: [
      ...failures.flatMap(({ title, operations: where }) => where.map((one) => `${title}: ${one}`)),
      ...errors.map((error) => JSON.stringify(error)),
    ],
    output,
  };
}
