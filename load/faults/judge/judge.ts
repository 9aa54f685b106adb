/**
 * Holds what senders and readers know against the logs as they stand at the end. Pure: the same facts give the same
 * violations, so that its tests can feed it every lie that a chat can tell.
 */
import type { Ledger, SentMessage } from "./ledger.ts";
import type { View } from "./view.ts";

export interface LogEvent {
  seq: number;
  at: number;
  type: string;
  /** The sender's own id of a message. */
  id: string | null;
  actor: { kind: string; id: string };
  /** Of a message. */
  text: string | null;
}

export type ViolationKind =
  | "lost"
  | "moved"
  | "doubled"
  | "disordered"
  | "gap"
  | "diverged"
  | "behind"
  | "unread"
  | "matrix"
  | "writes"
  | "part";

export interface Violation {
  kind: ViolationKind;
  /** What is wrong, for people. */
  text: string;
  room?: string;
  seq?: number;
  id?: string;
  client?: string;
  /** Milliseconds since the run began, where it is known when it happened. */
  at?: number;
}

export type Logs = ReadonlyMap<string, readonly LogEvent[]>;

export function headOf(log: readonly LogEvent[]): number {
  return log.at(-1)?.seq ?? 0;
}

function eventAt(log: readonly LogEvent[], seq: number): LogEvent | undefined {
  return log[seq - (log[0]?.seq ?? 1)];
}

/** A log has every seq from where its reader's begins on once, and no message twice. */
export function judgeLog(room: string, log: readonly LogEvent[]): Violation[] {
  const found: Violation[] = [];
  const start = log[0]?.seq ?? 1;
  const firsts = new Map<string, number>();
  for (const [index, { seq, id, actor }] of log.entries()) {
    if (seq !== start + index) {
      found.push({ kind: "gap", room, seq, text: `the log has ${seq} where ${start + index} belongs` });
      return found;
    }
    if (id === null) continue;
    const key = `${actor.kind} ${actor.id} ${id}`;
    const first = firsts.get(key);
    if (first !== undefined) {
      found.push({ kind: "doubled", room, seq, id, text: `the log has it at ${first} and at ${seq}` });
    } else firsts.set(key, seq);
  }
  return found;
}

/** Everything acknowledged stands in the log once, where the acknowledgement said, in the order of its sender. */
export function judgeSends(ledger: Ledger, logs: Logs): Violation[] {
  const places = placesOfTexts(logs);
  const found: Violation[] = [];
  const lastOf = new Map<string, { nth: number; seq: number }>();
  for (const message of ledger.messages) {
    const seqs = places.get(`${message.room} ${message.text}`) ?? [];
    found.push(...judgeSend(message, seqs, logs.get(message.room) ?? []));
    const [seq] = seqs;
    if (seq === undefined || message.fate !== "kept") continue;
    const key = `${message.sender} ${message.room}`;
    const before = lastOf.get(key);
    if (before && before.seq > seq) {
      const text = `message ${message.nth} of its sender stands before message ${before.nth}, at ${before.seq}`;
      found.push({ ...about(message), kind: "disordered", seq, text });
    }
    lastOf.set(key, { nth: message.nth, seq });
  }
  return found;
}

function judgeSend(message: SentMessage, seqs: readonly number[], log: readonly LogEvent[]): Violation[] {
  const found: Violation[] = [];
  const [seq] = seqs;
  // A cut may leave one of either history: what came back from Matrix, and what was sent again.
  if (seqs.length > (message.fate === "kept" ? 1 : 2)) {
    found.push({ ...about(message), kind: "doubled", text: `the log has it at ${seqs.join(" and ")}` });
  }
  const { ack, fate } = message;
  if (fate === "cut") return found;
  if (ack === null) {
    if (message.takenAt === null || fate !== "kept" || seq !== undefined) return found;
    return [
      ...found,
      { ...about(message), kind: "lost", text: "the homeserver took it, and the log has it not" },
    ];
  }
  const said = `acknowledged at ${ack.seq}`;
  if (seq === undefined)
    found.push({ ...about(message), kind: "lost", text: `${said}, and the log has it not` });
  else if (
    fate === "kept" &&
    (seq !== ack.seq || eventAt(log, seq)?.id !== message.id || eventAt(log, seq)?.at !== ack.at)
  ) {
    found.push({
      ...about(message),
      kind: "moved",
      text: `${said} (time ${ack.at}), and it stands at ${seq}`,
    });
  }
  return found;
}

function about({ room, id, sender, ack }: SentMessage) {
  return { room, id, client: sender, ...(ack && { seq: ack.seq, at: ack.ackedAt }) };
}

function placesOfTexts(logs: Logs): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [room, log] of logs) {
    for (const { seq, text } of log) {
      if (text === null) continue;
      const key = `${room} ${text}`;
      const seqs = places.get(key);
      if (seqs) seqs.push(seq);
      else places.set(key, [seq]);
    }
  }
  return places;
}

/** What a client holds is a stretch of the log, and reaches its end. Nothing else was said to it. */
export function judgeView(view: View, log: readonly LogEvent[]): Violation[] {
  const where = { room: view.room, client: view.client };
  const found: Violation[] = view.faults.map(({ seq, seenAt, what }) => ({
    ...where,
    kind: what.startsWith("came again") ? "doubled" : "gap",
    seq,
    at: seenAt,
    text: `the event ${what}`,
  }));
  const wrong = view.entries.find((seen) => {
    const event = eventAt(log, seen.seq);
    return (
      event?.seq !== seen.seq || event.at !== seen.at || event.id !== seen.id || event.type !== seen.type
    );
  });
  if (wrong) {
    const event = eventAt(log, wrong.seq);
    const has = event ? `${event.type} ${event.id ?? ""} of ${event.at}` : "nothing";
    const text = `it holds ${wrong.type} ${wrong.id ?? ""} of ${wrong.at} and was not told; the log has ${has}`;
    found.push({
      ...where,
      kind: "diverged",
      seq: wrong.seq,
      at: wrong.seenAt,
      ...(wrong.id && { id: wrong.id }),
      text,
    });
  }
  const head = headOf(log);
  if (view.last !== head) {
    found.push({
      ...where,
      kind: "behind",
      seq: view.last,
      text: `it stands at ${view.last}, the log at ${head}`,
    });
  }
  return found;
}

/** Where a person's read marker stands, and how many messages of others the server counts after it. */
export interface Marker {
  client: string;
  /** The person's id on the wire. */
  userId: string;
  room: string;
  read: number;
  unread: number;
  /** The highest marker that the server confirmed. */
  confirmed: number;
}

export function judgeMarker(
  { client, userId, room, read, unread, confirmed }: Marker,
  log: readonly LogEvent[],
): Violation[] {
  const found: Violation[] = [];
  const isOthers = ({ seq, type, actor }: LogEvent) =>
    type === "message" && actor.id !== userId && seq > read;
  const counted = log.filter(isOthers).length;
  if (counted !== unread) {
    found.push({
      kind: "unread",
      client,
      room,
      seq: read,
      text: `${unread} unread are told, the log has ${counted}`,
    });
  }
  if (read < confirmed) {
    found.push({
      kind: "unread",
      client,
      room,
      seq: read,
      text: `the marker was confirmed at ${confirmed} and is at ${read}`,
    });
  }
  return found;
}

export interface Mirror {
  room: string;
  /** The texts of the Matrix room, in its order. */
  bodies: readonly string[];
  /** Texts that were written in Matrix: between them and the others either side has an order of its own. */
  writtenThere: ReadonlySet<string>;
  /** Texts that a cut touched. */
  touched: ReadonlySet<string>;
}

/**
 * The Matrix room has the log's messages, each once and in this order. What a cut touched may be missing, stand twice or
 * elsewhere: there the two sides tell different histories, and how they are reconciled is judged by its own tests.
 */
export function judgeMirror(
  { room, bodies, writtenThere, touched }: Mirror,
  log: readonly LogEvent[],
): Violation[] {
  const wanted = log.flatMap(({ text }) => (text === null || touched.has(text) ? [] : [text]));
  const places = new Map(wanted.map((text, index) => [text, index]));
  const found: Violation[] = [];
  const seen = new Set<string>();
  let last = -1;
  for (const body of bodies) {
    const place = places.get(body);
    if (place === undefined) {
      if (!touched.has(body))
        found.push({ kind: "matrix", room, text: `Matrix has “${body}”, the log has it not` });
    } else if (seen.has(body)) found.push({ kind: "matrix", room, text: `Matrix has “${body}” twice` });
    else {
      const isOrdered = !writtenThere.has(body);
      if (isOrdered && place < last)
        found.push({ kind: "matrix", room, text: `“${body}” stands after “${wanted[last]}” in Matrix` });
      seen.add(body);
      if (isOrdered) last = Math.max(last, place);
    }
  }
  const missing = wanted.filter((text) => !seen.has(text));
  const [first] = missing;
  if (first !== undefined) {
    found.push({
      kind: "matrix",
      room,
      text: `${missing.length} messages are not in Matrix, first “${first}”`,
    });
  }
  return found;
}
