/** The HTTP requests of the demo: signing in, tokens, and the Messenger API. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../src/config.ts";
import type { Login } from "./matrix.ts";

export interface Site {
  url: string;
  adminToken: string;
  organizationId: number;
  users: { handle: string; password: string }[];
}
export interface Room {
  id: number;
  /** Its name on the WebSocket. */
  token: string;
  matrixRoomID: string | null;
}

const ANSWER_LIMIT_MS = 15_000;
const POLL_MS = 200;
const ROOM_LIMIT_MS = 30_000;
const TOKEN_LIFE_MS = 10 * 60_000;

/** The server's address, the admin token and the demo's users. @throws Error that says what to do */
export function readSite(config: Config): Site {
  const host = ["0.0.0.0", "::"].includes(config.HOST) ? "127.0.0.1" : config.HOST;
  const url = config.PUBLIC_URL ?? `http://${host.includes(":") ? `[${host}]` : host}:${config.PORT}`;
  const read = (name: string) => {
    const path = join(config.DATA_DIR, name);
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      throw new Error(
        `${path} can't be read. Start the server first (npm start), and run the demo with the same DATA_DIR; ` +
          "on a database of your own start it with DEMO=on while the database is empty",
      );
    }
  };
  const demo = JSON.parse(read("demo.json")) as Pick<Site, "organizationId" | "users">;
  return {
    url: url.replace(/\/+$/, ""),
    adminToken: config.ADMIN_TOKEN ?? read("admin-token"),
    organizationId: demo.organizationId,
    users: demo.users,
  };
}

/** Resolves when the server and its bridge are ready. */
export async function untilReady({ url }: Site, limitMs: number, onWait: () => void): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let first = true; ; first = false) {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) }).catch(
      () => {
        throw new Error(`Nothing answers at ${url}. Start the server first: npm start`);
      },
    );
    const text = await answer.text();
    // A proxy that hides the probes answers 404. The demo then assumes that the server is ready.
    if (answer.ok || answer.status === 404) return;
    if (performance.now() > deadline) throw new Error(`The server is not ready: ${text}`);
    if (first) onWait();
    await delay(POLL_MS);
  }
}

export async function logIn(site: Site, user: Site["users"][number]): Promise<string> {
  return (await call<{ access_token: string }>(site, "POST", "/login", {}, user)).access_token;
}

/** A personal access token for the Messenger API. It expires after 10 minutes. */
export function makeToken(site: Site, userId: number): Promise<{ id: number; token: string }> {
  const expiresAt = new Date(Date.now() + TOKEN_LIFE_MS).toISOString();
  return call(site, "POST", "/admin/v1/tokens", asAdmin(site), { userId, name: "npm run demo", expiresAt });
}

export async function deleteToken(site: Site, id: number): Promise<void> {
  await call(site, "DELETE", `/admin/v1/tokens/${id}`, asAdmin(site));
}

export function makeRoom(site: Site, token: string, name: string, assignedUsers: number[]): Promise<Room> {
  const body = { organizationID: site.organizationId, name, assignedUsers };
  return call(site, "POST", "/api/v1/chat/chatrooms", asUser(token), body);
}

/** Waits up to 30 s until the room has a Matrix room. @returns its id */
export async function matrixRoomId(site: Site, token: string, { id }: Room): Promise<string> {
  const deadline = performance.now() + ROOM_LIMIT_MS;
  for (;;) {
    const room = await call<Room>(site, "GET", `/api/v1/chat/chatrooms/${id}`, asUser(token));
    if (room.matrixRoomID) return room.matrixRoomID;
    if (performance.now() > deadline)
      throw new Error(`The room got no Matrix room within ${ROOM_LIMIT_MS / 1000} s`);
    await delay(POLL_MS);
  }
}

export async function deleteRoom(site: Site, token: string, { id }: Room): Promise<void> {
  await call(site, "DELETE", `/api/v1/chat/chatrooms/${id}`, asUser(token));
}

export function logInToMatrix(site: Site, token: string, deviceID: string): Promise<Login> {
  return call(site, "POST", "/api/v1/chat/user/login", asUser(token), { deviceID });
}

function asAdmin(site: Site): Record<string, string> {
  return { authorization: `Bearer ${site.adminToken}` };
}

function asUser(token: string): Record<string, string> {
  return { "personal-access-token": token };
}

async function call<T>(
  { url }: Site,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
): Promise<T> {
  const answer = await fetch(url + path, {
    method,
    headers: { ...headers, ...(body && { "content-type": "application/json" }) },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}
