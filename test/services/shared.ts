/**
 * The services that all test files of a run share, started when the first of them asks. They live in vitest's main
 * process and are handed out over a loopback socket, because test files run in processes of their own.
 */
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { newSynapseFolder, type SynapseService, startSynapse } from "../../load/services/synapse.ts";
import { freePort } from "../black-box/processes.ts";
import { type PostgresService, startPostgres } from "./postgres.ts";

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
  synapse: { url: string; serverName: string; registrationSharedSecret: string };
}

export interface SharedServices {
  /** Test files ask here; see `askShared`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Test files that may have a bridge in one run. Synapse reads registrations only at its start. */
const REGISTRATIONS = 24;

export async function shareServices(): Promise<SharedServices> {
  let database: Promise<PostgresService> | null = null;
  let synapse: Promise<SharedSynapse> | null = null;
  const answers: { [K in keyof Answers]: () => Promise<Answers[K]> } = {
    database: async () => {
      database ??= startPostgres();
      return { url: await (await database).createDatabase() };
    },
    synapse: async () => {
      synapse ??= startSharedSynapse();
      return (await synapse).facts;
    },
    registration: async () => {
      synapse ??= startSharedSynapse();
      const { facts, free } = await synapse;
      const registration = free.pop();
      if (!registration)
        throw new Error(`more than ${REGISTRATIONS} bridges in one run: raise REGISTRATIONS`);
      return { ...facts, registration };
    },
  };
  const server = await listen(async (name) => {
    const answer = answers[name as keyof Answers];
    if (!answer) throw new Error(`there is no shared ${name}`);
    return answer();
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      const services = await Promise.allSettled([database, synapse?.then(({ service }) => service)]);
      await Promise.all(services.map((one) => (one.status === "fulfilled" ? one.value?.stop() : undefined)));
    },
  };
}

interface SharedSynapse {
  service: SynapseService;
  facts: Answers["synapse"];
  free: Registration[];
}

async function startSharedSynapse(): Promise<SharedSynapse> {
  const folder = newSynapseFolder();
  const free: Registration[] = [];
  for (let n = 1; n <= REGISTRATIONS; n++) free.push(await writeRegistration(folder, n));
  const service = await startSynapse({ folder, registrationPath: free.map(({ path }) => path) });
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
    - exclusive: true
      regex: "@${prefix}.*:localhost"
  aliases:
    - exclusive: true
      regex: "#${prefix}.*:localhost"
  rooms: []
`;
}

/** Answers `GET /<name>` with what `answer` gives, or 500 and the reason. */
async function listen(answer: (name: string) => Promise<unknown>): Promise<Server> {
  const server = createServer((request, response) => {
    answer((request.url ?? "").slice(1)).then(
      (value) => response.end(JSON.stringify(value)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** For test files: asks the run's shared services. @throws Error with the reason why there is none */
export async function askShared<K extends keyof Answers>(address: string, name: K): Promise<Answers[K]> {
  const answer = await fetch(`${address}/${name}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Answers[K];
}
