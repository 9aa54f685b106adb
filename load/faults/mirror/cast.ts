/** The people of a run, in the chat and in Matrix, their rooms, and what two observers see there. */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Client, createClient } from "../../../src/client/client.ts";
import { ConnectionLost, Refused } from "../../../src/client/failures.ts";
import type { SocketConstructor } from "../../../src/client/socket.ts";
import type { OkFields, OkFrame, Question, RoomEvent } from "../../../src/protocol/frames.ts";
import type { MatrixLogin } from "../../matrix-client.ts";
import { createProvisioning, request } from "../../target/provisioning.ts";
import { type MatrixPerson, matrixPerson } from "../clients/matrix-person.ts";
import { signIn } from "../run.ts";
import type { Site } from "../site.ts";
import { type Book, tokenIn } from "./book.ts";
import { keyOf } from "./sides/chat-view.ts";
import type { TimelineEvent } from "./sides/matrix-view.ts";

export interface ChatPerson {
  /** `u12` */
  key: string;
  id: string;
  client: Client;
  /** Asks again until the server took it or refused it for good. @throws Refused */
  ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op>>;
}

export interface MatrixOne {
  /** `u12` of a user, the Matrix id of somebody else. */
  key: string;
  person: MatrixPerson;
}

export interface CastRoom {
  token: string;
  matrixRoom: string;
  /** Rules change here, so that either side refuses at times. */
  isStrict: boolean;
  /** Keys of those who are in the chatroom, as its log tells. */
  here: Set<string>;
}

export interface Cast {
  /** The first owns every room; only those after the third come and go. */
  people: ChatPerson[];
  /** Users of the chat with a Matrix client, the first three. */
  signedIn: MatrixOne[];
  /** People of Matrix: the first stays, the second comes and goes. */
  strangers: MatrixOne[];
  rooms: CastRoom[];
  /** The account of a user at the homeserver, by their key. */
  accountOf(key: string): string;
  /** The key of whoever has this account. */
  keyOf(matrixId: string): string;
  /** The bridge's own account. */
  bot: string;
  leave(): void;
}

export interface CastOptions {
  site: Site;
  book: Book;
  people: number;
  rooms: number;
  signal: AbortSignal;
}

const SIGNED_IN = 3;
const RETRY_MS = 200;
const MEET_LIMIT_MS = 120_000;
const SYNC_FILTER = JSON.stringify({ presence: { types: [] }, room: { timeline: { limit: 500 } } });

export async function meet(options: CastOptions): Promise<Cast> {
  const { site, book, signal } = options;
  const url = new URL(`http://127.0.0.1:${site.program("gateway-1").port}`);
  const { tokens } = await createProvisioning(url, site.adminToken).populate(
    { people: options.people, rooms: [] },
    () => undefined,
  );
  const people = await Promise.all(tokens.map((token) => chatPerson(site.chatUrl, token)));
  const rooms: CastRoom[] = [];
  const owner = people[0] as ChatPerson;
  owner.client.on("event", (event) => see(book, rooms, event));
  for (let n = 0; n < options.rooms; n++) {
    const members = people.slice(1).map(({ id }) => id);
    const made = await owner.ask<"room.create">({
      op: "room.create",
      id: `room-${n}`,
      type: "group",
      name: `Room ${n}`,
      members,
    });
    const here = new Set(people.map(({ key }) => key));
    rooms.push({ token: made.room.room, matrixRoom: "", isStrict: n === options.rooms - 1 && n > 0, here });
  }
  const signedIn: MatrixOne[] = [];
  for (const [n, { key }] of people.slice(0, SIGNED_IN).entries()) {
    const person = { name: key, token: tokens[n] as string };
    signedIn.push({ key, person: await matrixPerson(`n${n}`, () => signIn(site, person)) });
  }
  const strangers = await Promise.all(["mel", "noa"].map((name) => stranger(site, name)));
  for (const room of rooms) {
    room.matrixRoom = await matrixRoomOf(site, url, room.token);
    for (const { person } of signedIn) await person.enter(room.token, room.matrixRoom, MEET_LIMIT_MS);
    for (const one of strangers) await invite(signedIn[0] as MatrixOne, one, room);
  }
  const [first] = signedIn as [MatrixOne];
  void observe(first.person, book, signal).catch(() => undefined);
  const all = [...signedIn, ...strangers];
  return {
    ...{ people, signedIn, strangers, rooms },
    ...namesLike(first.person.userId),
    leave: () => {
      for (const { client } of people) client.disconnect();
      for (const { person } of all) person.stop();
    },
  };
}

/** @param userId one user's account: all have the same prefix and server */
function namesLike(userId: string): Pick<Cast, "accountOf" | "keyOf" | "bot"> {
  const [, prefix = "", server = ""] = /^@(.*?)\d+:(.*)$/.exec(userId) ?? [];
  const account = (name: string) => `@${prefix}${name}:${server}`;
  return {
    accountOf: (key) => (key.startsWith("u") ? account(key.slice(1)) : key),
    keyOf: (matrixId) => {
      const [localpart = "", at] = matrixId.slice(1).split(":");
      const id = localpart.startsWith(prefix) && at === server ? localpart.slice(prefix.length) : "";
      return /^\d+$/.test(id) ? `u${id}` : matrixId;
    },
    bot: account("bot"),
  };
}

async function chatPerson(url: string, token: string): Promise<ChatPerson> {
  const client = createClient({ url, token, WebSocket: WebSocket as unknown as SocketConstructor });
  await client.connect();
  const id = client.user?.id ?? "";
  return {
    ...{ key: `u${id}`, id, client },
    ask: async (question) => {
      for (;;) {
        try {
          return await client.ask(question);
        } catch (error) {
          const isLost = error instanceof ConnectionLost || (error instanceof Refused && error.retry);
          if (!isLost) throw error;
          await delay(RETRY_MS);
        }
      }
    },
  };
}

async function stranger(site: Site, name: string): Promise<MatrixOne> {
  const { userId, accessToken } = await site.synapse.registerUser(name, "password");
  const login: MatrixLogin = {
    ...{ accessToken, userID: userId },
    wellKnown: { "m.homeserver": { base_url: site.synapse.url } },
  };
  return { key: userId, person: await matrixPerson(name, () => Promise.resolve(login)) };
}

/** An invitation in Matrix, which is taken. @throws Error of the homeserver */
export async function invite(by: MatrixOne, { person, key }: MatrixOne, room: CastRoom): Promise<void> {
  await by.person.ask("POST", `rooms/${encodeURIComponent(room.matrixRoom)}/invite`, { user_id: key });
  await person.ask("POST", `join/${encodeURIComponent(room.matrixRoom)}`, {});
}

interface BridgedRoom {
  matrixRoom: string | null;
  mirrored: number;
  head: number;
  inbox: number;
  failures: number;
  reason: string | null;
}

/** How far both sides of a room are together, as operators see it. */
export function bridgedRoom(site: Site, url: URL, token: string): Promise<BridgedRoom> {
  const headers = { authorization: `Bearer ${site.adminToken}` };
  return request<BridgedRoom>(new URL(`/admin/v1/bridge/rooms/${token}`, url), "GET", headers);
}

async function matrixRoomOf(site: Site, url: URL, token: string): Promise<string> {
  for (const deadline = Date.now() + MEET_LIMIT_MS; Date.now() < deadline; await delay(RETRY_MS)) {
    const { matrixRoom, mirrored, head } = await bridgedRoom(site, url, token);
    if (matrixRoom !== null && mirrored >= head) return matrixRoom;
  }
  throw new Error(`chatroom ${token} got no Matrix room in ${MEET_LIMIT_MS / 1000} s`);
}

function see(book: Book, rooms: readonly CastRoom[], event: RoomEvent): void {
  if (event.type === "message") {
    const token = tokenIn(event.data.text);
    if (token !== null) book.seen(token, { seq: event.seq });
  }
  const here = rooms.find(({ token }) => token === event.room)?.here;
  if (event.type === "member.joined") here?.add(keyOf(event.data.member));
  if (event.type === "member.left") here?.delete(keyOf(event.data.member));
}

interface Sync {
  next_batch: string;
  rooms?: { join?: Record<string, { timeline?: { events: TimelineEvent[] } }> };
}

/** Learns the ids of what the bridge writes, so that people can answer it. */
async function observe(person: MatrixPerson, book: Book, signal: AbortSignal): Promise<void> {
  for (let since = ""; !signal.aborted; ) {
    const query = `timeout=10000&filter=${encodeURIComponent(SYNC_FILTER)}${since && `&since=${since}`}`;
    const { next_batch, rooms }: Sync = await person.ask("GET", `sync?${query}`);
    since = next_batch;
    for (const { timeline } of Object.values(rooms?.join ?? {})) {
      for (const { event_id: eventId, type, content } of timeline?.events ?? []) {
        const relation = content["m.relates_to"] as { rel_type?: string } | undefined;
        const isMessage = type === "m.room.message" && content.msgtype === "m.text";
        const token = tokenIn(String(content.body ?? ""));
        if (isMessage && relation?.rel_type !== "m.replace" && token !== null) book.seen(token, { eventId });
      }
    }
  }
}
