/**
 * Answers as Matrix Authentication Service documents its admin API, and before it a homeserver that has left signing in to it. Written
 * from docs/api/spec.json of the service; nothing here was tried with the service itself.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { MasSettings } from "../../bridge/homeserver/mas.ts";

interface Session {
  id: string;
  actor: string;
  scope: string;
  token: string;
  isRevoked: boolean;
}

export interface FakeMas {
  readonly url: string;
  readonly settings: MasSettings;
  readonly users: Map<string, { id: string; locked_at: string | null; deactivated_at: string | null }>;
  readonly sessions: Session[];
  readonly passwords: Map<string, string>;
  /** Ids of users whose other sessions were ended. */
  readonly killed: string[];
  /** Access tokens of before are refused. */
  expireTokens(): void;
  passwordsEnabled: boolean;
  /** What it answers instead; null: itself. */
  instead: { status: number; body: string } | null;
  close(): void;
}

interface Answer {
  status: number;
  body?: object;
}

const error = (status: number, title: string): Answer => ({ status, body: { errors: [{ title }] } });
const CLIENT = { clientId: "01J44QC8BCY7FCFM7WGHQGKMTJ", clientSecret: "s/e c" };

export async function startFakeMas(): Promise<FakeMas> {
  let tokens = 0;
  let ids = 0;
  const newId = () => `01J44QC8BCY7FCFM7WGHQG${String(ids++).padStart(4, "0")}`;
  const data = (type: string, id: string, attributes: object) => ({ data: { type, id, attributes } });
  const userData = (username: string) => {
    const { id = "", ...more } = mas.users.get(username) ?? {};
    return data("user", id, { username, ...more });
  };
  const nameOf = (id: string) => [...mas.users].find(([, user]) => user.id === id)?.[0];

  function users(method: string, [id = "", action = ""]: string[], body: Record<string, string>): Answer {
    if (method === "GET" && id === "by-username") {
      return mas.users.has(action) ? { status: 200, body: userData(action) } : error(404, "not found");
    }
    if (id === "") {
      const { username = "" } = body;
      if (mas.users.has(username)) return error(409, "User already exists");
      if (body.skip_homeserver_check === undefined)
        return error(409, "Username is reserved by the homeserver");
      mas.users.set(username, { id: newId(), locked_at: null, deactivated_at: null });
      return { status: 201, body: userData(username) };
    }
    const name = nameOf(id);
    const user = name === undefined ? undefined : mas.users.get(name);
    if (name === undefined || !user) return error(404, "not found");
    if (action === "set-password") {
      if (!mas.passwordsEnabled) return error(403, "Password auth is disabled");
      mas.passwords.set(name, body.password ?? "");
      return { status: 204 };
    }
    if (action === "kill-sessions") mas.killed.push(id);
    else if (action === "deactivate") user.deactivated_at = "2026-12-01T00:00:00Z";
    else return error(404, "no such action");
    return { status: 200, body: userData(name) };
  }

  function sessions(
    method: string,
    [id = "", action]: string[],
    body: Record<string, string>,
    query: URLSearchParams,
  ) {
    if (method === "GET") {
      const own = mas.sessions.filter(
        ({ actor, isRevoked }) => actor === query.get("filter[actor_user]") && !isRevoked,
      );
      const from = own.findIndex((session) => session.id === query.get("page[after]")) + 1;
      const page = own.slice(from, from + Number(query.get("page[first]")));
      return { status: 200, body: { data: page.map(({ id, scope }) => data("", id, { scope }).data) } };
    }
    if (action === "revoke") {
      const session = mas.sessions.find((one) => one.id === id);
      if (!session) return error(404, "not found");
      if (session.isRevoked) return error(409, "already revoked");
      session.isRevoked = true;
      return { status: 200, body: data("personal-session", id, {}) };
    }
    const { actor_user_id: actor = "", scope = "", human_name: name } = body;
    if (nameOf(actor) === undefined || name === undefined) return error(404, "User not found");
    const session = { id: newId(), actor, scope, token: `mpt_${ids}`, isRevoked: false };
    mas.sessions.push(session);
    return {
      status: 201,
      body: data("personal-session", session.id, { scope, access_token: session.token }),
    };
  }

  function answer({ method = "", url = "", headers }: IncomingMessage, text: string): Answer {
    const { pathname, searchParams } = new URL(url, "http://mas");
    if (pathname === "/_matrix/client/v3/register") {
      const isService = text.includes("m.login.application_service");
      return isService ? { status: 200, body: {} } : { status: 403, body: { errcode: "M_FORBIDDEN" } };
    }
    if (pathname.startsWith("/_matrix/")) {
      return { status: 404, body: { errcode: "M_UNRECOGNIZED", error: "Unrecognized request" } };
    }
    if (pathname === "/oauth2/token") {
      const secret = Buffer.from(`${CLIENT.clientId}:${encodeURIComponent(CLIENT.clientSecret)}`).toString(
        "base64",
      );
      const asked = new URLSearchParams(text);
      const isOurs = headers.authorization === `Basic ${secret}` && asked.get("scope") === "urn:mas:admin";
      if (!isOurs || asked.get("grant_type") !== "client_credentials") return { status: 401, body: {} };
      return { status: 200, body: { access_token: `mat_${tokens}`, token_type: "Bearer", expires_in: 300 } };
    }
    if (headers.authorization !== `Bearer mat_${tokens}`) return error(401, "Unknown access token");
    const [noun = "", ...rest] = pathname.replace("/api/admin/v1/", "").split("/");
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, string>;
    if (noun === "users") return users(method, rest, body);
    return noun === "personal-sessions" ? sessions(method, rest, body, searchParams) : error(404, "no route");
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, body } = mas.instead ?? answer(request, Buffer.concat(chunks).toString());
      response.writeHead(status, { "content-type": "application/json" });
      response.end(typeof body === "string" ? body : body && JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mas: FakeMas = {
    ...{ url, settings: { url: `${url}/`, ...CLIENT } },
    ...{ users: new Map(), sessions: [], passwords: new Map(), killed: [] },
    ...{ passwordsEnabled: true, instead: null },
    expireTokens: () => void tokens++,
    close: () => void server.close(),
  };
  return mas;
}
