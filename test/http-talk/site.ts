/** The Talk API on a gateway of its own, over a real PostgreSQL; and people and guests who use it. */
import { randomUUID } from "node:crypto";
import { Registry } from "prom-client";
import { type IceServers, NO_ICE_SERVERS } from "../../src/domain/context/ice-servers.ts";
import type { User } from "../../src/domain/model.ts";
import type { Feed } from "../../src/domain/ports/feed.ts";
import type { HotState } from "../../src/domain/ports/hot.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { CommitPublisher } from "../../src/gateway/frames/commit-publisher.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";
import type { HttpHandler } from "../../src/http/face/face.ts";
import { createLogger } from "../../src/logger.ts";
import type { PostgresStore } from "../../src/store/postgres.ts";
import { testApp } from "../test-app.ts";

export const API = "/apps/spreed/api/v1";
export const PASSWORD = "a password: with ünicode";

export interface Site {
  url: string;
  http: HttpHandler;
  store: PostgresStore;
  hot: HotState;
  useCases: UseCases;
  gateway: Gateway;
  /** What the log was told, but for defects. */
  logged: object[];
  /** How many read live news of a room now. */
  followers(): number;
  person(name?: string, options?: { organization?: number; administrator?: boolean }): Promise<Person>;
  guest(): Client;
  close(): Promise<void>;
}

export interface Person extends Client {
  user: User;
  /** The handle. */
  id: string;
  name: string;
  /** A personal access token. */
  token: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  meta: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data: any;
}

export type Parameters = Record<string, string | number | boolean>;

export interface Options {
  headers?: Record<string, string>;
  version?: 1 | 2;
  signal?: AbortSignal;
  /** Sent as it is, instead of parameters. */
  body?: string;
}

export interface Client {
  /** `path` is below the API's base, or begins with `/cloud`. Parameters go as a form, with GET as a query. */
  call(method: string, path: string, parameters?: Parameters, options?: Options): Promise<Answer>;
  get(path: string, parameters?: Parameters, options?: Options): Promise<Answer>;
  post(path: string, parameters?: Parameters, options?: Options): Promise<Answer>;
  put(path: string, parameters?: Parameters, options?: Options): Promise<Answer>;
  delete(path: string, parameters?: Parameters, options?: Options): Promise<Answer>;
  headers: Record<string, string>;
}

const silent = createLogger("silent");
let count = 0;

export async function openSite(
  databaseUrl: string,
  transport: "uws" | "ws" = "ws",
  iceServers: IceServers = NO_ICE_SERVERS,
  { rateLimits = false }: { rateLimits?: boolean } = {},
): Promise<Site> {
  const errors: unknown[] = [];
  const logged: object[] = [];
  const note = (line: object) => void logged.push(line);
  const logger = Object.assign(Object.create(silent), {
    error: (...args: unknown[]) => errors.push(args),
    ...{ info: note, warn: note },
  });
  const app = await testApp({ databaseUrl, maxConnections: 8, logger });
  const { store, hot, bus, useCases } = app;
  const commits = new CommitPublisher({ store, bus, logger });
  let gateway: Gateway | null = null;
  let followers = 0;
  const countingFeed = (): Feed => {
    const { feed } = gateway as Gateway;
    const followRoom: Feed["followRoom"] = async (...what) => {
      const following = await feed.followRoom(...what);
      followers++;
      const stop = () => {
        followers--;
        following.stop();
      };
      return { head: following.head, stop };
    };
    return { ...feed, followRoom };
  };
  const http = app.http({
    ...{ logger, adminToken: "admin token", rateLimits, iceServers },
    feed: countingFeed,
    publicUrl: () => "http://127.0.0.1:8080",
  });
  gateway = await startGateway({
    ...{ host: "127.0.0.1", port: 0, transport, store, hot, bus, commits, useCases, http, logger },
    ...{ node: randomUUID(), heartbeatMs: 25_000, drainMs: 100, rateLimits: false, registry: new Registry() },
    publicUrl: () => "http://127.0.0.1:8080",
  });
  const started = gateway;
  return {
    ...{ url: `http://127.0.0.1:${started.port}`, http, store, hot, useCases, gateway: started },
    logged,
    followers: () => followers,
    person: (name, options) => addPerson(http, useCases, name, options),
    guest: () => clientOf(http, {}),
    async close() {
      await started.close();
      await app.close();
      if (errors.length > 0)
        throw new AggregateError(errors, `the server had defects: ${JSON.stringify(errors)}`);
    },
  };
}

async function addPerson(
  http: HttpHandler,
  { directory }: UseCases,
  name = "Person",
  { organization, administrator = false }: { organization?: number; administrator?: boolean } = {},
): Promise<Person> {
  const id = `talk-${++count}`;
  const organizations = organization === undefined ? [] : [{ id: organization, role: "member" as const }];
  const user = await directory.createUser({
    ...{ handle: id, password: PASSWORD, displayName: name, administrator, organizations },
  });
  const { token } = await directory.createToken({ userId: user.id, name: "test" });
  const basic = Buffer.from(`${id}:${PASSWORD}`).toString("base64");
  return { user, id, name, token, ...clientOf(http, { Authorization: `Basic ${basic}` }) };
}

/** A client with a cookie jar. */
export function clientOf(http: HttpHandler, own: Record<string, string>): Client {
  const cookies = new Map<string, string>();
  const headers = { "OCS-APIRequest": "true", Accept: "application/json", ...own };

  async function call(
    method: string,
    path: string,
    parameters: Parameters = {},
    { headers: more = {}, version = 2, signal, body: raw }: Options = {},
  ): Promise<Answer> {
    const form = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) form.set(key, String(value));
    const url = new URL(
      `http://127.0.0.1:8080/ocs/v${version}.php${path.startsWith("/cloud") ? "" : API}${path}`,
    );
    const asQuery = method === "GET" || raw !== undefined;
    if (asQuery) for (const [key, value] of form) url.searchParams.set(key, value);
    const body = raw ?? (asQuery || form.size === 0 ? undefined : form.toString());
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const request = new Request(url, {
      method,
      headers: {
        ...headers,
        ...(cookie && { Cookie: cookie }),
        ...(body !== undefined && { "Content-Type": "application/x-www-form-urlencoded" }),
        ...more,
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    });
    const response = await http(request, { ip: "192.0.2.1" });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
    const { meta, data } = (isJson && JSON.parse(text).ocs) || {};
    return { status: response.status, headers: response.headers, text, meta, data };
  }

  const verb =
    (method: string): Client["get"] =>
    (path, parameters, options) =>
      call(method, path, parameters, options);
  return { call, get: verb("GET"), post: verb("POST"), put: verb("PUT"), delete: verb("DELETE"), headers };
}

/** A room of this type, owned by `owner`. @returns its token */
export async function makeRoom(
  owner: Person,
  { type = 2, name = "Room", people = [] }: { type?: 2 | 3; name?: string; people?: Person[] } = {},
): Promise<string> {
  const { data } = await owner.post("/room", { roomType: type, roomName: name });
  for (const { id } of people) await owner.post(`/room/${data.token}/participants`, { newParticipant: id });
  return data.token;
}

export async function oneToOne(a: Person, b: Person): Promise<string> {
  return (await a.post("/room", { roomType: 1, invite: b.id })).data.token;
}

/** Joins, and gives the session. */
export async function join(client: Client, token: string, parameters: Parameters = {}): Promise<string> {
  const { data, status } = await client.post(`/room/${token}/participants/active`, parameters);
  if (status !== 200) throw new Error(`joining answered ${status}`);
  return data.sessionId;
}
