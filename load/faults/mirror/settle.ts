/** The end of a run: reads both sides of every room until they agree, or until nothing comes any more. */
import { setTimeout as delay } from "node:timers/promises";
import type { MessageEvent, RoomEvent } from "../../../src/protocol/frames.ts";
import { request } from "../../target/provisioning.ts";
import type { Site } from "../site.ts";
import type { Book, Said } from "./book.ts";
import { bridgedRoom, type Cast, type CastRoom, type ChatPerson, type MatrixOne } from "./cast.ts";
import { type Difference, differences } from "./compare.ts";
import { chatView } from "./sides/chat-view.ts";
import { matrixView, type TimelineEvent } from "./sides/matrix-view.ts";

export interface Settled {
  differences: Difference[];
  deadLetters: DeadLetter[];
  /** What was still on its way in the end, in words. */
  unfinished: string[];
  /** From the last operation until both sides agreed. */
  settledMs: number;
}

export interface DeadLetter {
  room: string;
  kind: string;
  reason: string;
}

const LOOK_AGAIN_MS = 3_000;
/** The reconciler and retries come within this; so long without any change, nothing comes any more. */
const STALL_MS = 120_000;
const LIMIT_MS = 900_000;

/** @throws Error when the site does not answer */
export async function settle(site: Site, cast: Cast, book: Book): Promise<Settled> {
  const began = Date.now();
  let before = "";
  for (let changedAt = began; ; await delay(LOOK_AGAIN_MS)) {
    const found = await look(cast, book);
    const unfinished = await onTheWay(site, cast);
    const now = JSON.stringify(found);
    if (now !== before) changedAt = Date.now();
    before = now;
    const isOver = Date.now() - changedAt > STALL_MS || Date.now() - began > LIMIT_MS;
    if ((found.length === 0 && unfinished.length === 0) || isOver) {
      const letters = await deadLetters(site);
      return { differences: found, deadLetters: letters, unfinished, settledMs: Date.now() - began };
    }
  }
}

async function look(cast: Cast, book: Book): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const room of cast.rooms) {
    const chat = chatView(await chatFacts(cast.people[0] as ChatPerson, room));
    const matrix = matrixView({
      ...(await matrixFacts(cast.signedIn[0] as MatrixOne, room)),
      bot: cast.bot,
      keyOf: cast.keyOf,
      isOfMatrix: (token) => book.byToken(token)?.side === "matrix",
    });
    const [, guest] = cast.strangers as [MatrixOne, MatrixOne];
    const staying = new Set(
      [...cast.people.slice(0, 3), cast.strangers[0] as MatrixOne].map(({ key }) => key),
    );
    const comesAndGoes = (key: string) => !staying.has(key);
    const mayBeUndone = ({ by }: Said) => room.isStrict || by === guest.key;
    found.push(...differences(book, { room: room.token, chat, matrix, mayBeUndone, comesAndGoes }));
  }
  return found;
}

async function chatFacts({ ask, client }: ChatPerson, { token: room }: CastRoom) {
  const messages: MessageEvent[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await ask<"history">({ op: "history", room, after, limit: 200 });
    const events = page.events as RoomEvent[];
    messages.push(...events.flatMap((event) => (event.type === "message" ? [event] : [])));
    after = events.at(-1)?.seq ?? after;
    more = page.more;
  }
  const { members } = await ask<"members">({ op: "members", room, limit: 100 });
  const entry = client.rooms.getSnapshot().find((one) => one.room === room);
  return { messages, members, name: entry?.name ?? "", description: entry?.description ?? "" };
}

async function matrixFacts({ person }: MatrixOne, { matrixRoom }: CastRoom) {
  const path = `rooms/${encodeURIComponent(matrixRoom)}`;
  const timeline: TimelineEvent[] = [];
  for (let from: string | undefined = ""; from !== undefined; ) {
    const query: string = `dir=b&limit=500${from === "" ? "" : `&from=${encodeURIComponent(from)}`}`;
    const page: { chunk: TimelineEvent[]; end?: string } = await person.ask(
      "GET",
      `${path}/messages?${query}`,
    );
    timeline.push(...page.chunk);
    from = page.end;
  }
  return { timeline: timeline.reverse(), state: await person.ask<TimelineEvent[]>("GET", `${path}/state`) };
}

/** What is on its way in either direction. */
async function onTheWay(site: Site, { rooms }: Cast): Promise<string[]> {
  const url = new URL(`http://127.0.0.1:${site.program("gateway-1").port}`);
  const states = await Promise.all(rooms.map(({ token }) => bridgedRoom(site, url, token)));
  return states.flatMap(({ mirrored, head, inbox, failures, reason }, n) => {
    if (mirrored >= head && inbox === 0) return [];
    const why = reason === null ? "" : `; ${failures} turns failed: ${reason}`;
    return [`room ${rooms[n]?.token}: ${mirrored} of ${head} mirrored, ${inbox} in the inbox${why}`];
  });
}

async function deadLetters(site: Site): Promise<DeadLetter[]> {
  const url = new URL(
    `http://127.0.0.1:${site.program("gateway-1").port}/admin/v1/bridge/dead-letters?limit=100`,
  );
  const headers = { authorization: `Bearer ${site.adminToken}` };
  return (await request<{ items: DeadLetter[] }>(url, "GET", headers)).items;
}
