/** What people do with their own account, on the WebSocket and by HTTP, and how the proof of somebody else is refused. */
import type { ClientFrames } from "../../../src/protocol/frames.ts";
import { Refused, type SocketClient } from "../../black-box/socket-client.ts";
import { type Answer, ask, bearer, type Caller, must, type Person, type Site } from "../site.ts";
import { type StandingName, standing, type Verdict } from "../standings.ts";
import { WELL } from "./operations.ts";

export const PASSWORD = "correct horse";

/** The account that something is done to, its owner's session, and the account of somebody else. */
export interface Owned {
  site: Site;
  person: Person;
  socket: SocketClient;
  other: Person & { login: string };
}

type Frame = { op: keyof ClientFrames } & Record<string, unknown>;
type Request = [method: string, path: string, json?: unknown];

export interface AccountOperation {
  name: string;
  frame(owned: Owned): Frame;
  request?: { shown: string; of(owned: Owned): Request };
  /** What there is to do is not set up here: what a face says when nothing else is against it. */
  well?: { socket: string; http?: string };
}

/** The same with a proof of somebody else: a refusal, or nothing that it does. */
export interface ForeignProof {
  name: string;
  frame(owned: Owned): Frame;
  request?: { shown: string; of(owned: Owned): Request };
  /** The socket's code, and HTTP's status with Wire's label; or what the answers hold. */
  socket: string | object;
  http?: string | object;
}

/** Whoever has an account, and nobody else, whatever they are in a room or an organization. */
export function accountVerdict(name: StandingName): Verdict {
  return standing(name).proof === "user" ? null : "unauthorized";
}

const self = (method: string, path: string, json?: unknown) => ({
  shown: `${method} /self${path}`,
  of: (): Request => [method, `/self${path.replace("{id}", "1")}`, json],
});
const delivered =
  (op: keyof ClientFrames, more: object = {}) =>
  () => ({ op, ...more });

export const ACCOUNT_OPERATIONS: AccountOperation[] = [
  {
    name: "see the profile",
    frame: ({ person }) => ({ op: "users", ids: [person.uuid] }),
    request: self("GET", ""),
  },
  {
    name: "change the profile",
    frame: delivered("profile", { status: "here" }),
    request: self("PUT", "", { status: "here" }),
  },
  {
    name: "change the password",
    frame: delivered("password", { old: PASSWORD, new: PASSWORD }),
    request: self("PUT", "/password", { old_password: PASSWORD, new_password: PASSWORD }),
  },
  { name: "list the logins", frame: delivered("sessions"), request: self("GET", "/sessions") },
  {
    name: "end a login",
    frame: delivered("session.end", { session: "1" }),
    request: self("DELETE", "/sessions/{id}"),
  },
  {
    name: "end all other logins",
    frame: delivered("session.end", { others: true }),
    request: self("DELETE", "/sessions"),
  },
  {
    name: "move the session to another token",
    frame: ({ person }) => ({ op: "token", token: person.token }),
  },
  {
    name: "list the links to identity providers",
    frame: delivered("identities"),
    request: self("GET", "/identities"),
  },
  {
    name: "link it to a person of the identity provider",
    frame: delivered("identity.link", { code: "x", verifier: "x".repeat(43), password: PASSWORD }),
    request: self("POST", "/identities", { code: "x", code_verifier: "x".repeat(43), password: PASSWORD }),
    // No provider has given this code to anybody.
    well: { socket: "forbidden", http: "403" },
  },
  {
    name: "take a link away",
    frame: delivered("identity.unlink", { identity: "1", password: PASSWORD }),
    request: self("DELETE", "/identities/{id}", { password: PASSWORD }),
  },
  { name: "get a Matrix account", frame: delivered("matrix"), well: { socket: "unavailable" } },
  {
    name: "block somebody",
    frame: ({ other }) => ({ op: "block", user: String(other.id) }),
    request: {
      shown: "PUT /connections/{to}",
      of: ({ other }) => ["PUT", `/connections/${other.uuid}`, { status: "blocked" }],
    },
  },
  { name: "list whom one blocks", frame: delivered("blocked") },
  {
    name: "block somebody no more",
    frame: ({ other }) => ({ op: "unblock", user: String(other.id) }),
    request: {
      shown: "PUT /connections/{to}",
      of: ({ other }) => ["PUT", `/connections/${other.uuid}`, { status: "accepted" }],
    },
  },
  {
    name: "list the contact book",
    frame: delivered("contacts"),
    request: { shown: "GET /v1/contacts", of: () => ["GET", "/v1/contacts"] },
  },
  {
    name: "put somebody into the contact book",
    frame: ({ other }) => ({ op: "contact.set", user: String(other.id) }),
    request: {
      shown: "POST /v1/contacts",
      of: ({ other }) => ["POST", "/v1/contacts", { username: other.handle, phone_number: "" }],
    },
  },
  {
    name: "take somebody out of the contact book",
    frame: ({ other }) => ({ op: "contact.remove", user: String(other.id) }),
    request: {
      shown: "DELETE /v1/contacts/{id}",
      of: ({ other }) => ["DELETE", `/v1/contacts/${other.publicId}`],
    },
    // Nobody was put into it here.
    well: { socket: WELL, http: "404" },
  },
  {
    name: "list the connections",
    frame: delivered("connections"),
    request: { shown: "GET /connections", of: () => ["GET", "/connections"] },
  },
  {
    name: "ask somebody for a connection",
    frame: ({ other }) => ({ op: "connection.ask", user: other.uuid }),
    request: {
      shown: "POST /connections",
      of: ({ other }) => ["POST", "/connections", { user: other.uuid }],
    },
  },
  {
    name: "answer somebody who asked",
    frame: ({ other }) => ({ op: "connection.set", user: String(other.id), status: "accepted" }),
    request: {
      shown: "PUT /connections/{to}",
      of: ({ other }) => ["PUT", `/connections/${other.uuid}`, { status: "accepted" }],
    },
  },
  {
    name: "rename a file of one's own",
    frame: delivered("file.rename", { attachment: "x".repeat(16), filename: "a.txt" }),
    request: {
      shown: "PUT /v1/attachments/{id}",
      of: () => ["PUT", `/v1/attachments/${"x".repeat(16)}`, { filename: "a.txt" }],
    },
    // There is none here.
    well: { socket: "not_found", http: "404" },
  },
  {
    name: "delete the account",
    frame: delivered("account.delete", { password: PASSWORD }),
    request: self("DELETE", "", { password: PASSWORD }),
  },
];

const WRONG = "not the password";
const wrongly = { socket: "forbidden", http: "403 invalid-credentials" };

export const FOREIGN_PROOFS: ForeignProof[] = [
  {
    name: "change the password with a wrong one",
    frame: delivered("password", { old: WRONG, new: "another one" }),
    request: self("PUT", "/password", { old_password: WRONG, new_password: "another one" }),
    ...wrongly,
  },
  {
    name: "delete the account with a wrong password",
    frame: delivered("account.delete", { password: WRONG }),
    request: self("DELETE", "", { password: WRONG }),
    ...wrongly,
  },
  {
    name: "take a link away with a wrong password",
    frame: delivered("identity.unlink", { identity: "1", password: WRONG }),
    request: self("DELETE", "/identities/{id}", { password: WRONG }),
    ...wrongly,
  },
  {
    name: "move the session to the token of somebody else",
    frame: ({ other }) => ({ op: "token", token: other.token }),
    socket: "forbidden",
  },
  {
    name: "end the login of somebody else",
    frame: ({ other }) => ({ op: "session.end", session: other.login }),
    request: {
      shown: "DELETE /self/sessions/{id}",
      of: ({ other }) => ["DELETE", `/self/sessions/${other.login}`],
    },
    socket: { duplicate: true },
    http: { ended: 0 },
  },
];

export async function trySocket({ socket }: Pick<Owned, "socket">, frame: Frame): Promise<string | object> {
  try {
    return await socket.ask(frame);
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

export async function tryHttp(
  url: string,
  token: Caller["bearer"],
  [method, path, json]: Request,
): Promise<Answer> {
  return await ask(url, method, path, {
    ...(token !== null && { headers: bearer(token) }),
    ...(json !== undefined && { json }),
  });
}

/** Somebody else of the organization, with a login. */
export async function somebodyElse(site: Site): Promise<Owned["other"]> {
  const person = await site.newPerson({
    ...{ password: PASSWORD, organizations: [{ id: site.organization.id, role: "member" }] },
  });
  const { json } = await must(site.url, "POST", "/login", {
    json: { handle: person.handle, password: PASSWORD },
  });
  const { sessions } = (await tryHttp(site.url, json.access_token, ["GET", "/self/sessions"])).json;
  return { ...person, login: sessions[0].id };
}

export const said = (answer: string | object): string => (typeof answer === "string" ? answer : WELL);
