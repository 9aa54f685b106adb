/**
 * Tests that need a service: `describeWith("postgres", "subject", ({ postgres }) => { … })`. Where the service can't be
 * had the tests are skipped and say why, and how to get it; with CI=true that is a failure. A service is found,
 * installed and started while the first file that needs it is read, so no test's time limit holds it.
 */
import { join } from "node:path";
import { afterAll, describe, inject, test } from "vitest";
import type { PythonEnvironment } from "../../bridge/local/python.ts";
import { synapseEnvironment } from "../../bridge/local/synapse.ts";
import { findCaddy } from "../../load/services/caddy.ts";
import { type RedisService, startRedis } from "../../load/services/redis.ts";
import { type RegisterUser, userRegistration } from "../../load/services/synapse.ts";
import { type ChromiumService, findChromium } from "./chromium.ts";
import { findPgBouncer, startPgBouncer } from "./pgbouncer.ts";
import type { Program } from "./programs.ts";
import { startNioClient } from "./python-client.ts";
import { schemathesisEnvironment } from "./python-packages.ts";
import { askForProgram, askShared, type Registration } from "./shared.ts";

export interface Services {
  /** The run's shared server. Tests that stop or kill PostgreSQL take `startPostgres()` instead. */
  postgres: {
    /** An empty database made for this block. */
    url: string;
    createDatabase(): Promise<string>;
  };
  /** A server of this block alone, to be killed at will (channels of Redis know no databases to keep files apart). */
  redis: RedisService;
  /** The run's shared homeserver. Tests that stop or kill it take `startSynapse()` instead. */
  synapse: {
    url: string;
    serverName: string;
    registerUser: RegisterUser;
    /** An application service for this block alone. */
    registration: Registration;
  };
  /** What Synapse runs from, for tests that start a homeserver of their own. */
  synapseProgram: PythonEnvironment;
  /** Starts Python clients. Those that a test does not close end with the test file. */
  nio: { startClient: typeof startNioClient };
  chromium: ChromiumService;
  /** In PATH; startCaddy() runs it. */
  caddy: { version: string };
  pgbouncer: { start: typeof startPgBouncer };
  /** Path of its command. */
  schemathesis: { command: string };
}

type Need = keyof Services;

/** `describe` with services; `fn` gets those it named. */
export function describeWith<K extends Need>(
  needs: K | readonly K[],
  name: string,
  fn: (services: Pick<Services, K>) => void | Promise<void>,
): void {
  describe(name, async () => {
    const wanted: readonly K[] = typeof needs === "string" ? [needs] : needs;
    const services: Partial<Services> = {};
    for (const need of wanted) {
      try {
        Object.assign(services, { [need]: await PROVIDERS[need]() });
      } catch (error) {
        return missing(need, name, error instanceof Error ? error.message : String(error));
      }
    }
    await fn(services as Pick<Services, K>);
  });
}

const PROVIDERS: { [K in Need]: () => Promise<Services[K]> } = {
  postgres: async () => {
    const createDatabase = async () => (await askShared(inject("sharedServices"), "database")).url;
    return { url: await createDatabase(), createDatabase };
  },
  redis: async () => {
    await program("redis");
    const redis = await startRedis();
    afterAll(() => redis.stop());
    return redis;
  },
  synapse: async () => {
    const { url, serverName, registrationSharedSecret, registration } = await askShared(
      inject("sharedServices"),
      "registration",
    );
    return { url, serverName, registration, registerUser: userRegistration(url, registrationSharedSecret) };
  },
  synapseProgram: async () => {
    await program("synapse");
    return synapseEnvironment({});
  },
  nio: async () => {
    await program("nio");
    return { startClient: startNioClient };
  },
  chromium: async () => {
    await program("chromium");
    return findChromium();
  },
  caddy: async () => findCaddy(),
  pgbouncer: async () => {
    findPgBouncer();
    return { start: startPgBouncer };
  },
  schemathesis: async () => {
    await program("schemathesis");
    return { command: join((await schemathesisEnvironment()).bin, "schemathesis") };
  },
};

const program = (name: Program) => askForProgram(inject("sharedServices"), name);

function missing(need: Need, name: string, reason: string): void {
  const text = `${need} is missing: ${reason}`;
  if (process.env.CI === "true") {
    test(`needs ${need}`, () => {
      throw new Error(text);
    });
    return;
  }
  console.warn(`SKIPPED: ${name}: ${text}`);
  test.skip(text);
}
