/** A Matrix room's timeline and state as a view. Pure. */
import { tokenIn } from "../book.ts";
import { count, type Message, put, type RoomView, reactionOf, words } from "../view.ts";

export interface TimelineEvent {
  event_id: string;
  type: string;
  sender: string;
  origin_server_ts: number;
  state_key?: string;
  content: Record<string, unknown>;
  unsigned?: { redacted_because?: unknown };
}

export interface MatrixFacts {
  /** From the room's beginning on, in order. */
  timeline: readonly TimelineEvent[];
  state: readonly TimelineEvent[];
  /** Of the bridge's bot, which stands in for who can't write. */
  bot: string;
  /** Key of a person by the id of their account. */
  keyOf: (matrixId: string) => string;
  /** Whether the message with this token was written in Matrix: it and its file are one event there. */
  isOfMatrix: (token: string) => boolean;
}

interface Relation {
  rel_type?: string;
  event_id?: string;
  key?: string;
  is_falling_back?: boolean;
  "m.in_reply_to"?: { event_id?: string };
}

const SIGNS: Record<string, string> = { "m.room.encrypted": "🔒", "m.call.invite": "📞" };
const FILES = new Set(["m.image", "m.file", "m.audio", "m.video"]);

export function matrixView(facts: MatrixFacts): RoomView {
  const events = facts.timeline.filter(({ unsigned }) => unsigned?.redacted_because === undefined);
  const view: RoomView = {
    ...{ messages: new Map(), files: new Map(), lines: new Map() },
    ...rulesOf(facts),
  };
  const edits = newestEdits(events);
  const reactions = reactionsOf(events, facts);
  const tokens = new Map(events.map((event) => [event.event_id, tokenIn(shown(event).body)]));
  for (const event of events) {
    const sign = SIGNS[event.type];
    if (sign) count(view.lines, sign);
    const relation = relationOf(event);
    if (!isMessage(event) || relation.rel_type === "m.replace") continue;
    const token = tokens.get(event.event_id);
    if (!token) {
      count(view.lines, [...shown(event).body][0] ?? "");
      continue;
    }
    const { filename, content } = shown(event);
    if (filename !== null) put(view.files, token, `${filename} ${(content.info as { size?: number })?.size}`);
    if (filename !== null && !facts.isOfMatrix(token)) continue;
    const tokenAt = (id: string | undefined) => (id === undefined ? null : (tokens.get(id) ?? null));
    const answers = relation.is_falling_back ? undefined : relation["m.in_reply_to"]?.event_id;
    put(view.messages, token, {
      ...said(event, edits.get(`${event.event_id} ${event.sender}`), facts),
      replyTo: tokenAt(answers),
      thread: relation.rel_type === "m.thread" ? tokenAt(relation.event_id) : null,
      reactions: (reactions.get(event.event_id) ?? []).sort(),
    });
  }
  for (const files of view.files.values()) files.sort();
  return view;
}

function isMessage({ type }: TimelineEvent): boolean {
  return type === "m.room.message" || type === "m.sticker" || type === "m.poll.start";
}

function relationOf({ content }: TimelineEvent): Relation {
  return (content["m.relates_to"] ?? {}) as Relation;
}

/** What an event says, and the name of its file. Where `filename` is missing, `body` is the name. */
function shown({ type, content }: TimelineEvent) {
  const poll = content["m.poll"] as { question?: { "m.text"?: { body?: string }[] } } | undefined;
  const body = String(content.body ?? poll?.question?.["m.text"]?.[0]?.body ?? "");
  const isFile = type === "m.sticker" || FILES.has(String(content.msgtype));
  return { body, content, filename: isFile ? String(content.filename ?? body) : null };
}

/** The newest edit that the author of a message made, by `event author`. */
function newestEdits(events: readonly TimelineEvent[]): Map<string, TimelineEvent> {
  const newest = new Map<string, TimelineEvent>();
  for (const event of events) {
    const { rel_type: type, event_id: of } = relationOf(event);
    if (type !== "m.replace") continue;
    const key = `${of} ${event.sender}`;
    const before = newest.get(key);
    if (!before || before.origin_server_ts <= event.origin_server_ts) newest.set(key, event);
  }
  return newest;
}

function said(event: TimelineEvent, edit: TimelineEvent | undefined, { bot, keyOf }: MatrixFacts) {
  const content = (edit?.content["m.new_content"] ?? event.content) as TimelineEvent["content"];
  const { body } = shown({ ...event, content });
  const isStandIn = event.sender === bot;
  return {
    by: isStandIn ? null : keyOf(event.sender),
    text: words(isStandIn ? body.replace(/^[^:]+: /, "") : body),
    isFormatted: content.formatted_body !== undefined,
  } satisfies Partial<Message>;
}

function reactionsOf(events: readonly TimelineEvent[], { keyOf }: MatrixFacts): Map<string, string[]> {
  const reactions = new Map<string, string[]>();
  for (const event of events) {
    const { event_id: of, key } = relationOf(event);
    if (event.type === "m.reaction" && of && key) put(reactions, of, reactionOf(keyOf(event.sender), key));
  }
  return reactions;
}

function rulesOf({ state, bot, keyOf }: MatrixFacts): Pick<RoomView, "name" | "topic" | "members"> {
  const content = (type: string) => state.find((event) => event.type === type)?.content ?? {};
  const levels = (content("m.room.power_levels").users ?? {}) as Record<string, number>;
  const members: RoomView["members"] = new Map();
  for (const { type, state_key: id = "", content: own } of state) {
    const isIn = own.membership === "join" || own.membership === "invite";
    if (type !== "m.room.member" || id === bot || !isIn) continue;
    const level = levels[id] ?? 0;
    members.set(keyOf(id), level >= 99 ? "owner" : level >= 50 ? "moderator" : "user");
  }
  const { name } = content("m.room.name");
  const { topic } = content("m.room.topic");
  return { name: String(name ?? ""), topic: String(topic ?? ""), members };
}
