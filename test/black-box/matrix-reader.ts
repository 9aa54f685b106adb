/**
 * A person in Matrix, signed in with what Messenger's Login handed out, over plain HTTP: it enters rooms, writes, and
 * reads whole rooms page by page. It asks again while its homeserver is away, as every Matrix client does.
 */
import { setTimeout as delay } from "node:timers/promises";
import { messenger, type Person } from "./provision.ts";

export interface MatrixText {
  eventId: string;
  sender: string;
  body: string;
}
export interface MatrixReader {
  readonly userId: string;
  /** Joins a room that the person belongs to. */
  enter(matrixRoomId: string): Promise<void>;
  /** Enters a room as soon as the person is invited to it or in it. */
  untilMember(matrixRoomId: string): Promise<void>;
  /** What the room is called in Matrix. */
  roomName(matrixRoomId: string): Promise<string>;
  /** Rooms of the person: joined and invited. */
  rooms(): Promise<{ joined: string[]; invited: string[] }>;
  /** The room's text messages from its beginning, in order. */
  texts(matrixRoomId: string): Promise<MatrixText[]>;
  /** All texts of the room, as soon as these are among them. */
  untilTexts(matrixRoomId: string, wanted: readonly string[]): Promise<MatrixText[]>;
  /** Writes; the same `txnId` again is the same message. */
  send(matrixRoomId: string, txnId: string, body: string): Promise<string>;
}

interface Login {
  accessToken: string;
  userID: string;
  wellKnown: { "m.homeserver"?: { base_url: string } };
}
interface MatrixEvent {
  type: string;
  event_id: string;
  sender: string;
  content: { msgtype?: string; body?: string };
}
interface Page {
  chunk: MatrixEvent[];
  end?: string;
}
interface Sync {
  next_batch: string;
  rooms?: {
    join?: Record<string, { timeline?: { events: MatrixEvent[]; limited?: boolean } }>;
    invite?: Record<string, unknown>;
  };
}

const RETRY_MS = 200;
const LIMIT_MS = 90_000;
const SYNC_FILTER = JSON.stringify({
  presence: { types: [] },
  room: { timeline: { limit: 100 }, state: { lazy_load_members: true }, ephemeral: { types: [] } },
});

/** Signs the person in to Matrix through the Messenger API. */
export async function matrixReader(
  url: string,
  person: Person,
  deviceID = "BLACKBOX",
): Promise<MatrixReader> {
  const login = await messenger<Login>(url, person.token, "POST", "user/login", { deviceID });
  const base = login.wellKnown["m.homeserver"]?.base_url;
  if (!base) throw new Error("Login handed out no homeserver");
  const ask = <T>(method: string, path: string, body?: unknown) =>
    request<T>(`${base}/_matrix/client/v3/${path}`, login.accessToken, method, body);
  const texts = (matrixRoomId: string) => readTexts(ask, matrixRoomId);
  return {
    userId: login.userID,
    enter: async (matrixRoomId) => {
      await ask("POST", `join/${encodeURIComponent(matrixRoomId)}`, {});
    },
    untilMember: (matrixRoomId) => untilMember(ask, matrixRoomId),
    roomName: async (matrixRoomId) =>
      (await ask<{ name: string }>("GET", `rooms/${encodeURIComponent(matrixRoomId)}/state/m.room.name`))
        .name,
    rooms: async () => {
      const { rooms } = await ask<Sync>("GET", syncPath(0));
      return { joined: Object.keys(rooms?.join ?? {}), invited: Object.keys(rooms?.invite ?? {}) };
    },
    texts,
    untilTexts: (matrixRoomId, wanted) => untilTexts(ask, matrixRoomId, wanted),
    send: async (matrixRoomId, txnId, body) => {
      const path = `rooms/${encodeURIComponent(matrixRoomId)}/send/m.room.message/${encodeURIComponent(txnId)}`;
      return (await ask<{ event_id: string }>("PUT", path, { msgtype: "m.text", body })).event_id;
    },
  };
}

type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T>;

async function request<T>(url: string, token: string, method: string, body?: unknown): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => error as Error);
    const away = answer instanceof Error || answer.status >= 500 || answer.status === 429;
    if (!(answer instanceof Error) && answer.ok) return (await answer.json()) as T;
    const reason = answer instanceof Error ? answer.message : `${answer.status} ${await answer.text()}`;
    if (!away || Date.now() > deadline) throw new Error(`${method} ${url}: ${reason}`);
    await delay(RETRY_MS);
  }
}

async function readTexts(ask: Ask, matrixRoomId: string): Promise<MatrixText[]> {
  const found: MatrixText[] = [];
  for (let from: string | undefined = ""; from !== undefined; ) {
    const query: string =
      from === "" ? "dir=b&limit=200" : `dir=b&limit=200&from=${encodeURIComponent(from)}`;
    const page: Page = await ask("GET", `rooms/${encodeURIComponent(matrixRoomId)}/messages?${query}`);
    found.push(...textsOf(page.chunk));
    from = page.end;
  }
  return found.reverse();
}

/** Reads the room, follows it by sync until nothing is missing, and reads it once more for the order. */
async function untilTexts(ask: Ask, matrixRoomId: string, wanted: readonly string[]): Promise<MatrixText[]> {
  const deadline = Date.now() + LIMIT_MS;
  let { next_batch: since } = await ask<Sync>("GET", syncPath(0));
  let missing = without(wanted, await readTexts(ask, matrixRoomId));
  while (missing.length > 0) {
    if (Date.now() > deadline) {
      throw new Error(
        `${missing.length} of ${wanted.length} texts did not come to Matrix, first “${missing[0]}”`,
      );
    }
    const sync = await ask<Sync>("GET", syncPath(5_000, since));
    since = sync.next_batch;
    const news = sync.rooms?.join?.[matrixRoomId]?.timeline;
    missing = without(
      missing,
      news?.limited ? await readTexts(ask, matrixRoomId) : textsOf(news?.events ?? []),
    );
  }
  return readTexts(ask, matrixRoomId);
}

/** Follows the person's rooms by sync. */
async function untilMember(ask: Ask, matrixRoomId: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  for (let since: string | undefined; ; ) {
    const sync: Sync = await ask("GET", syncPath(since === undefined ? 0 : 5_000, since));
    if (sync.rooms?.join?.[matrixRoomId]) return;
    if (sync.rooms?.invite?.[matrixRoomId]) {
      await ask("POST", `join/${encodeURIComponent(matrixRoomId)}`, {});
      return;
    }
    if (Date.now() > deadline) throw new Error(`nobody let the person into ${matrixRoomId}`);
    since = sync.next_batch;
  }
}

function without(wanted: readonly string[], found: readonly MatrixText[]): string[] {
  const bodies = new Set(found.map(({ body }) => body));
  return wanted.filter((text) => !bodies.has(text));
}

function textsOf(events: readonly MatrixEvent[]): MatrixText[] {
  return events
    .filter((event) => event.type === "m.room.message" && event.content.msgtype === "m.text")
    .map((event) => ({ eventId: event.event_id, sender: event.sender, body: event.content.body ?? "" }));
}

function syncPath(timeoutMs: number, since?: string): string {
  const query = new URLSearchParams({ timeout: String(timeoutMs), filter: SYNC_FILTER });
  if (since) query.set("since", since);
  return `sync?${query}`;
}
