/** Once per test run: finds the real services, prints what it found, and shares them with the test files. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { TestProject } from "vitest/node";
import { SYNAPSE_VERSION, synapseEnvironment } from "../bridge/local/synapse.ts";
import { findPostgres } from "../load/services/postgres-binaries.ts";
import { findRedis } from "../load/services/redis.ts";
import { findChromium } from "./services/chromium.ts";
import {
  NIO_VERSION,
  nioEnvironment,
  SCHEMATHESIS_VERSION,
  schemathesisEnvironment,
} from "./services/python-packages.ts";
import { shareServices } from "./services/shared.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Address of the services that all test files share. */
    sharedServices: string;
  }
}

/** Returns how to end what was shared. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string) => console.log(line);
  const found = [
    await named("PostgreSQL", () => {
      const { version, from } = findPostgres();
      return `${version} (${from})`;
    }),
    await named("Redis", async () => {
      const { version, from } = await findRedis(say);
      return `${version} (${from})`;
    }),
    await named("Synapse", async () => {
      await synapseEnvironment({ onProgress: say });
      return `${SYNAPSE_VERSION} (PyPI)`;
    }),
    await named("matrix-js-sdk", () => packageVersion("matrix-js-sdk")),
    await named("matrix-nio", async () => {
      await nioEnvironment(say);
      return NIO_VERSION;
    }),
    await named("schemathesis", async () => {
      await schemathesisEnvironment(say);
      return SCHEMATHESIS_VERSION;
    }),
    await named("Chromium", () => findChromium().version),
  ];
  say(`tests use: ${found.join(" · ")}`);
  const shared = await shareServices();
  project.provide("sharedServices", shared.address);
  return shared.stop;
}

async function named(name: string, version: () => string | Promise<string>): Promise<string> {
  try {
    return `${name} ${await version()}`;
  } catch (error) {
    return `no ${name} (${error instanceof Error ? error.message : String(error)})`;
  }
}

function packageVersion(name: string): string {
  const path = createRequire(import.meta.url).resolve(name);
  const root = path.slice(0, path.lastIndexOf(`/node_modules/${name}/`));
  const text = readFileSync(`${root}/node_modules/${name}/package.json`, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
