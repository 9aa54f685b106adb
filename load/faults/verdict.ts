/** The end of a run: everything is whole again, and what everybody knows is held against the logs. */
import { setTimeout as delay } from "node:timers/promises";
import type { EventFrame } from "../../src/protocol/frames.ts";
import { type BareClient, bareClient } from "./clients/bare-client.ts";
import type { ChatClient } from "./clients/chat-client.ts";
import type { MatrixPerson } from "./clients/matrix-person.ts";
import {
  headOf,
  judgeLog,
  judgeMarker,
  judgeMirror,
  judgeSends,
  judgeView,
  type LogEvent,
  type Logs,
  type Violation,
} from "./judge/judge.ts";
import type { Ledger, SentMessage } from "./judge/ledger.ts";

export interface Facts {
  /** `ws://…/ws` of each gateway: all of them must tell the same logs. */
  urls: readonly string[];
  rooms: readonly string[];
  clients: readonly ChatClient[];
  matrix: readonly MatrixPerson[];
  ledger: Ledger;
  clock: () => number;
}

const VIEW_LIMIT_MS = 60_000;
/** What is written in Matrix is soon in the log. */
const TAKEN_LIMIT_MS = 240_000;
/** The other way there may be much to catch up with, but something comes. */
const MIRROR_STALL_MS = 90_000;
const MIRROR_LIMIT_MS = 1_200_000;
const POLL_MS = 200;
const LOGS_POLL_MS = 2_000;
/** Each look reads whole rooms, which costs the homeserver more than some messages do. */
const MIRROR_POLL_MS = 10_000;

export async function judgeRun(facts: Facts): Promise<Violation[]> {
  const readers = facts.urls.map((url) => readerOf(facts, url));
  await Promise.all(readers.map((reader) => reader.start()));
  try {
    const [reader] = readers;
    if (!reader) return [];
    const logs = await settledLogs(facts, reader);
    const others = await Promise.all(readers.slice(1).map((other) => readLogs(other, facts.rooms)));
    await untilViewsStandAt(facts, logs);
    return [
      ...[...logs].flatMap(([room, log]) => judgeLog(room, log)),
      ...others.flatMap((other) => sameLogs(logs, other)),
      ...judgeSends(facts.ledger, logs),
      ...facts.clients.flatMap((client) => judgeClient(client, logs)),
      ...(await judgeMarkers(facts, logs)),
      ...(await judgeMatrix(facts, logs)),
    ];
  } finally {
    for (const reader of readers) reader.stop();
  }
}

function readerOf({ clients, clock }: Facts, url: string): BareClient {
  const [first] = clients;
  if (!first) throw new Error("a run needs a client");
  return bareClient({ name: "reader", person: first.person, url, clock, proof: "seq" });
}

export async function readLogs(reader: BareClient, rooms: readonly string[]): Promise<Logs> {
  const logs = new Map<string, LogEvent[]>();
  for (const room of rooms) logs.set(room, (await reader.history(room)).map(logEvent));
  return logs;
}

/** What was written in Matrix last is on its way into the log for a while. */
async function settledLogs({ ledger, rooms, clock }: Facts, reader: BareClient): Promise<Logs> {
  const taken = ledger.messages.filter(({ takenAt, fate }) => takenAt !== null && fate === "kept");
  for (const deadline = clock() + TAKEN_LIMIT_MS; ; await delay(LOGS_POLL_MS)) {
    const logs = await readLogs(reader, rooms);
    const texts = new Set([...logs.values()].flatMap((log) => log.map(({ text }) => text)));
    if (clock() > deadline || taken.every(({ text }) => texts.has(text))) return logs;
  }
}

function logEvent({ seq, at, type, id, actor, data }: EventFrame): LogEvent {
  return { seq, at, type, id: id ?? null, actor, text: type === "message" ? String(data.text) : null };
}

async function untilViewsStandAt({ clients, clock }: Facts, logs: Logs): Promise<void> {
  const isBehind = (client: ChatClient) =>
    [...logs].some(([room, log]) => client.views.get(room)?.last !== headOf(log));
  for (const deadline = clock() + VIEW_LIMIT_MS; clock() < deadline && clients.some(isBehind); ) {
    await delay(POLL_MS);
  }
}

/** Everything that one client was told, and whether it may stay. */
export function judgeClient(client: ChatClient, logs: Logs): Violation[] {
  const complaints = client.complaints.map(
    (text): Violation => ({ kind: "part", client: client.name, text: `the client ${text}` }),
  );
  const views = [...client.views.values()].flatMap((view) => judgeView(view, logs.get(view.room) ?? []));
  return [...complaints, ...views];
}

function sameLogs(logs: Logs, other: Logs): Violation[] {
  return [...logs].flatMap(([room, log]) => {
    const another = other.get(room) ?? [];
    const at = log.findIndex(({ seq, at, id }, index) => {
      const its = another[index];
      return its?.seq !== seq || its.at !== at || its.id !== id;
    });
    if (at === -1 && another.length === log.length) return [];
    return [
      {
        kind: "diverged" as const,
        room,
        seq: log[at]?.seq ?? log.length,
        text: "two gateways tell different logs",
      },
    ];
  });
}

async function judgeMarkers(
  { clients, rooms, ledger, urls, clock }: Facts,
  logs: Logs,
): Promise<Violation[]> {
  const people = new Map(clients.map(({ person }) => [person.name, person]));
  const found: Violation[] = [];
  for (const person of people.values()) {
    const reader = bareClient({
      name: `marker of ${person.name}`,
      person,
      url: urls[0] ?? "",
      clock,
      proof: "seq",
    });
    await reader.start();
    for (const { room, read, unread } of reader.ready?.rooms ?? []) {
      if (!rooms.includes(room)) continue;
      const userId = reader.ready?.user.id ?? "";
      const confirmed = ledger.readUpTo(person.name, room);
      found.push(
        ...judgeMarker({ client: person.name, userId, room, read, unread, confirmed }, logs.get(room) ?? []),
      );
    }
    reader.stop();
  }
  return found;
}

/** Waits for the bridge to catch up, for as long as it comes on. */
async function judgeMatrix({ matrix, ledger, clock }: Facts, logs: Logs): Promise<Violation[]> {
  const [reader] = matrix;
  if (!reader) return [];
  const textsWhere = (is: (message: SentMessage) => boolean) =>
    new Set(ledger.messages.filter(is).map(({ text }) => text));
  const touched = textsWhere(({ fate }) => fate !== "kept");
  const writtenThere = textsWhere(({ takenAt }) => takenAt !== null);
  const found: Violation[] = [];
  const end = clock() + MIRROR_LIMIT_MS;
  for (const [room, log] of logs) {
    let seen = 0;
    for (let deadline = clock() + MIRROR_STALL_MS; ; ) {
      const bodies = await reader.texts(room);
      if (bodies.length > seen) deadline = Math.min(end, clock() + MIRROR_STALL_MS);
      seen = bodies.length;
      const violations = judgeMirror({ room, bodies, writtenThere, touched }, log);
      const isMissing = violations.some(({ text }) => text.includes("not in Matrix"));
      if (!isMissing || clock() > deadline) {
        found.push(...violations);
        break;
      }
      await delay(MIRROR_POLL_MS);
    }
  }
  return found;
}
