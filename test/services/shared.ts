/**
 * The services that all test files of a run share, started when the first of them asks. They live in vitest's main
 * process, which outlives its workers, so that two files that ask at once get the same service (see requests.ts).
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newSynapseFolder, type SynapseService, startSynapse } from "../../load/services/synapse.ts";
import { freePort } from "../black-box/processes.ts";
import { type PostgresService, startPostgres } from "./postgres.ts";
import { findPrograms, type Program } from "./programs.ts";
import { ask } from "./requests.ts";

/** An application service that the shared Synapse knows, for one test file alone. */
export interface Registration {
  /** Path of the registration file. */
  path: string;
  /** Where Synapse delivers to; its port is free until the test listens on it. */
  url: string;
  port: number;
  /** Localparts of its users start with this. */
  prefix: string;
}

export interface Answers {
  database: { url: string };
  registration: {
    url: string;
    serverName: string;
    registrationSharedSecret: string;
    registration: Registration;
  };
}

export interface SharedServices {
  /** Answers `askShared` and `askForProgram`. */
  answer(path: string): Promise<unknown>;
  /** Before the files run again (`npm run test:watch`): ends a Synapse that has too few registrations left. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** Test files that may have a bridge in one run. Synapse reads registrations only at its start. */
const REGISTRATIONS = 80;

/** @param say is given lines for people: which programs the tests use, and how their installation goes */
export function shareServices(say: (line: string) => void): SharedServices {
  const program = findPrograms(say);
  let database: Promise<PostgresService> | null = null;
  let synapse: Promise<SharedSynapse> | null = null;
  const answers: { [K in keyof Answers]: () => Promise<Answers[K]> } = {
    database: async () => {
      await program("postgres");
      database ??= startPostgres();
      return { url: await (await database).createDatabase() };
    },
    registration: async () => {
      await program("synapse");
      synapse ??= startSharedSynapse();
      const { facts, free } = await synapse;
      const registration = free.pop();
      if (!registration)
        throw new Error(`more than ${REGISTRATIONS} bridges in one run: raise REGISTRATIONS`);
      return { ...facts, registration };
    },
  };
  const endSynapse = async () => {
    const ended = await synapse?.catch(() => null);
    synapse = null;
    await ended?.service.stop();
  };
  return {
    answer: async (path) => {
      const [kind, name] = path.split("/");
      if (kind === "program") return await program(name as Program);
      const answer = answers[kind as keyof Answers];
      if (!answer) throw new Error(`there is no shared ${kind}`);
      return await answer();
    },
    refresh: async () => {
      const running = await synapse?.catch(() => null);
      if (running && running.free.length < REGISTRATIONS / 2) await endSynapse();
    },
    stop: async () => {
      const endDatabase = async () => (await database?.catch(() => null))?.stop();
      await Promise.all([endDatabase(), endSynapse()]);
    },
  };
}

interface SharedSynapse {
  service: SynapseService;
  facts: Omit<Answers["registration"], "registration">;
  free: Registration[];
}

async function startSharedSynapse(): Promise<SharedSynapse> {
  const folder = newSynapseFolder();
  const free: Registration[] = [];
  for (let n = 1; n <= REGISTRATIONS; n++) free.push(await writeRegistration(folder, n));
  const registrationPath = free.map(({ path }) => path);
  // For the gateways of pushers that tests run.
  const overrides = { ip_range_whitelist: ["127.0.0.1"] };
  const service = await startSynapse({ folder, registrationPath, overrides });
  const { url, serverName, registrationSharedSecret } = service;
  return { service, facts: { url, serverName, registrationSharedSecret }, free: free.reverse() };
}

async function writeRegistration(folder: string, n: number): Promise<Registration> {
  const port = await freePort();
  const registration = {
    path: join(folder, `registration-${n}.yaml`),
    url: `http://127.0.0.1:${port}`,
    port,
    prefix: `cw${n}_`,
  };
  writeFileSync(registration.path, registrationText(`causeway-${n}`, registration), { mode: 0o600 });
  return registration;
}

/** The registration of an application service, as homeservers want it. */
export function registrationText(id: string, { url, prefix }: Pick<Registration, "url" | "prefix">): string {
  return `id: ${id}
url: ${url}
as_token: as-token-of-${id}
hs_token: hs-token-of-${id}
sender_localpart: ${prefix}sender
rate_limited: false
receive_ephemeral: true
de.sorunome.msc2409.push_ephemeral: true
namespaces:
  users:
    - exclusive: false
      regex: "@${prefix}[0-9].*:localhost"
    - exclusive: true
      regex: "@${prefix}[^0-9].*:localhost"
  aliases:
    - exclusive: true
      regex: "#${prefix}.*:localhost"
  rooms: []
`;
}

/** For test files: asks the run's shared services. @throws Error with the reason why there is none */
export async function askShared<K extends keyof Answers>(address: string, name: K): Promise<Answers[K]> {
  return (await ask(address, name)) as Answers[K];
}

/** For test files: resolves when the program is found or installed. @throws Error that says how to get it */
export async function askForProgram(address: string, program: Program): Promise<void> {
  await ask(address, `program/${program}`);
}
