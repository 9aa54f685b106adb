/** A whole server in this process, and people who stand to its rooms in every way there is. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Server, startServer } from "../../src/app/server.ts";
import { readConfig } from "../../src/config.ts";
import { SocketClient } from "../black-box/socket-client.ts";
import { STANDING_NAMES, type StandingName, standing } from "./standings.ts";

export const ADMIN_TOKEN = "the-operators-token";

export interface Person {
  id: number;
  uuid: string;
  publicId: string;
  handle: string;
  /** A personal access token. */
  token: string;
}

export interface Caller {
  standing: StandingName;
  /** Null for guests, organizations and operators. */
  person: Person | null;
  /** What they would send as Bearer; null for guests, who have nothing. */
  bearer: string | null;
  /** Of guests, once they joined a room. */
  cookie: string | null;
  /** Of users. */
  socket: SocketClient | null;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any;
}

export interface Site {
  url: string;
  organization: { id: number; uuid: string; token: string };
  callers: Record<StandingName, Caller>;
  /** People of the organization who are done things to. */
  extra: Person;
  newcomer: Person;
  newPerson(more?: object): Promise<Person>;
  close(): Promise<void>;
}

export interface Sent {
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
}

export async function ask(
  url: string,
  method: string,
  path: string,
  { headers, json }: Sent = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { ...headers, ...(json !== undefined && { "content-type": "application/json" }) },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
  return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : undefined };
}

/** As {@link ask}, and insists that it goes through. */
export async function must(url: string, method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const answer = await ask(url, method, path, sent);
  if (answer.status < 300) return answer;
  throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.json)}`);
}

/** @param more settings */
export async function openSite(databaseUrl: string, more: Record<string, string> = {}): Promise<Site> {
  const dataDir = mkdtempSync(join(tmpdir(), "causeway-faces-"));
  const server = await startServer(configuration(databaseUrl, dataDir, more), () => {});
  const { url } = server;
  let count = 0;
  const admin = async (method: string, path: string, json: unknown) =>
    (await must(url, method, `/admin/v1/${path}`, { headers: bearer(ADMIN_TOKEN), json })).json;
  const newPerson = async (more: object = {}): Promise<Person> => {
    const user = await admin("POST", "users", { handle: `person-${++count}`, ...more });
    const { token } = await admin("POST", "tokens", { userId: user.id, name: "faces" });
    return { ...user, token };
  };
  const made = await admin("POST", "organizations", { name: "Faces" });
  const { token } = await admin("POST", "tokens", { organizationId: made.id, name: "faces" });
  const organization = { id: made.id, uuid: made.uuid, token };
  const colleague = { organizations: [{ id: made.id, role: "member" }] };
  const callers = {} as Site["callers"];
  for (const name of STANDING_NAMES) callers[name] = await newCaller(name, url, organization, newPerson);
  return {
    ...{ url, organization, callers, newPerson },
    extra: await newPerson(colleague),
    newcomer: await newPerson(colleague),
    close: () => close(server, callers, dataDir),
  };
}

function configuration(databaseUrl: string, dataDir: string, more: Record<string, string>) {
  return readConfig({
    ...{ PORT: "0", DATA_DIR: dataDir, DATABASE_URL: databaseUrl, ADMIN_TOKEN },
    ...{ MATRIX_HOMESERVER_URL: "off", RATE_LIMITS: "off", DEMO: "off", LOG_LEVEL: "error" },
    // Sessions stay, however long nobody says anything in them.
    HEARTBEAT_MS: "300000",
    ...more,
  });
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

/** Nothing for guests, who have nothing to prove. */
export function bearerOf({ bearer: token }: Pick<Caller, "bearer">): Record<string, string> {
  return token === null ? {} : bearer(token);
}

async function newCaller(
  name: StandingName,
  url: string,
  organization: Site["organization"],
  newPerson: Site["newPerson"],
): Promise<Caller> {
  const { proof, organization: role, administrator } = standing(name);
  const nobody = { standing: name, person: null, bearer: null, cookie: null, socket: null };
  switch (proof) {
    case "guest":
      return nobody;
    case "organization":
      return { ...nobody, bearer: organization.token };
    case "operator":
      return { ...nobody, bearer: ADMIN_TOKEN };
    case "user": {
      const person = await newPerson({
        ...(role !== null && { organizations: [{ id: organization.id, role }] }),
        ...(administrator && { administrator }),
      });
      const socket = new SocketClient(name, person.token, "json");
      await socket.connect(url);
      return { ...nobody, person, bearer: person.token, socket };
    }
  }
}

async function close(server: Server, callers: Site["callers"], dataDir: string): Promise<void> {
  await Promise.all(Object.values(callers).map(({ socket }) => socket?.drop()));
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
