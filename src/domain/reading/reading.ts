/** Reads pages of history, and moves read markers. */
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { hiddenIn } from "../context/hidden.ts";
import { badField, DomainError } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import {
  type Actor,
  type LoggedEvent,
  type MessageContext,
  memberKey,
  type ReactionCount,
  type ThreadSummary,
} from "../model.ts";
import { can } from "../permissions.ts";
import type { NamedRoom, UnreadCounts } from "../ports/broadcasts.ts";
import type { ReadState } from "../ports/store/log.ts";
import { REACTION_ACTORS } from "../ports/store/log.ts";
import type { Store } from "../ports/store/store.ts";
import { checkId, cutText, reactionName } from "../text-rules.ts";
import type { HistoryPage, Messages } from "../use-cases/sending.ts";
import { asSeen } from "../visibility.ts";
import { createTellReceipt, type ReceiptNews } from "./receipt-news.ts";
import type { Threads } from "./threads.ts";
import type { UnreadCache } from "./unread.ts";

const MAX_PAGE = 200;
/** Of an answered message's text. */
const REPLY_CHARACTERS = 200;
/** Stands in the data of every answer, and never inside a text, where quotes are escaped. */
const REPLY_FIELD = '"replyTo":';
/** Moving a marker checks the membership itself. The cached access is used only for the room's id and the lobby. */
const MARKER_ACCESS_MS = 5_000;

export function createReading(
  context: Context,
  unread: UnreadCache,
  threads: Pick<Threads, "rootOf">,
): Pick<Messages, "history" | "markRead" | "markUnread"> {
  const { store, accesses, broadcasts, now } = context;
  const tellReceipt = createTellReceipt(context);

  function announce(
    actor: Actor,
    room: NamedRoom,
    { delivered, audience, moved, ...counts }: UnreadCounts & ReceiptNews & Pick<ReadState, "moved">,
    session?: string,
  ): void {
    if (moved) tellReceipt(room, actor, { read: counts.read, delivered, audience });
    if (actor.kind === "user") broadcasts.unread(room, Number(actor.id), counts, session);
  }

  /** A page as the store takes it. Seqs have no gaps, so a place in the middle is a place to start from. */
  async function rangeOf(
    actor: Actor,
    room: string,
    { thread, ...asked }: HistoryPage,
  ): Promise<Omit<HistoryPage, "at" | "around">> {
    const page = await placeOf(actor, room, asked);
    if (thread === undefined) return page;
    const { roomId, membership } = await accesses.require(actor, room, "read");
    // The answers to a message from before one's time are seen, and say nothing of it.
    const root = thread > membership.historyFrom ? await threads.rootOf(roomId, thread, 0) : thread;
    if (root === null) throw new DomainError("not_found", "thread names no message", { field: "thread" });
    return { ...page, thread: root };
  }

  async function placeOf(
    actor: Actor,
    room: string,
    { at, around, ...page }: HistoryPage,
  ): Promise<Omit<HistoryPage, "at" | "around">> {
    if (around !== undefined) return { ...page, after: Math.max(0, around - 1 - Math.floor(page.limit / 2)) };
    if (at === undefined) return page;
    const { roomId } = await accesses.require(actor, room, "read");
    return { ...page, after: (await store.log.seqAt(roomId, at)) - 1 };
  }

  return {
    async history(actor, room, page) {
      checkPage(page);
      const range = await rangeOf(actor, room, page);
      const found = room.includes("\0") ? null : await store.log.history(room, memberKey(actor), range);
      if (!found) throw noSuchRoom();
      const verdict = can(found.membership, found.room, "read", now());
      if (verdict !== null) throw refusal(verdict, "read");
      if (page.around !== undefined && !found.events.some(({ seq }) => seq === page.around)) {
        throw new DomainError("not_found", "around names no event of this room", { field: "around" });
      }
      const { historyFrom, hiddenNo, member } = found.membership;
      const hidden = await hiddenIn(store, () => (hiddenNo > 0 ? member : undefined), found.events);
      const isHidden = (seq: number) => hidden(found.room.id, seq);
      const seen = found.events.map((event) => asSeen(event, historyFrom, isHidden));
      const isSeen = (seq: number) => seq > historyFrom && !isHidden(seq);
      return { events: await withContext(store, seen, found, isSeen), more: found.more };
    },
    async markRead(actor, room, seq, session) {
      if (!Number.isSafeInteger(seq) || seq < 0) throw badField("seq", "must be an integer of at least 0");
      const member = memberKey(actor);
      const { roomId } = await accesses.require(actor, room, "read", MARKER_ACCESS_MS);
      const state = await store.log.markRead(member, roomId, seq);
      if (state === null) {
        accesses.forget(member, room);
        throw noSuchRoom();
      }
      if (state === "past_head") throw badField("seq", "must not be past the room's last event");
      unread.marked(member, roomId, state);
      const { read, unread: left, mentions: mention, moved, unmarked, delivered, audience } = state;
      const counts = { read, unread: left, mention };
      const named = { id: roomId, token: room };
      if (moved || unmarked) announce(actor, named, { ...counts, moved, delivered, audience }, session);
      return { ...counts, moved };
    },
    async markUnread(actor, room, session) {
      const member = memberKey(actor);
      const { roomId } = await accesses.require(actor, room, "read");
      if (!(await store.memberships.update(roomId, member, { unreadMark: true }))) throw noSuchRoom();
      const [state] = await store.log.unread(roomId, [member]);
      if (!state) throw noSuchRoom();
      const { read, unread: left, mentions: mention } = state;
      const counts = { read, unread: left, mention };
      const marked = { ...counts, unreadMark: true as const };
      if (actor.kind === "user")
        broadcasts.unread({ id: roomId, token: room }, Number(actor.id), marked, session);
      return counts;
    },
  };
}

type FoundPage = NonNullable<Awaited<ReturnType<Store["log"]["history"]>>>;

/** Adds to messages their reactions, the start of the message that they answer, and their threads, as these are now. */
async function withContext(
  store: Pick<Store, "messages">,
  events: LoggedEvent[],
  { reactions, threads }: Pick<FoundPage, "reactions" | "threads">,
  isSeen: (seq: number) => boolean,
): Promise<LoggedEvent[]> {
  const replies = await repliesOf(store, events, isSeen);
  if (reactions.length === 0 && replies.size === 0 && threads.length === 0) return events;
  const counts = new Map<number, ReactionCount[]>();
  for (const { seq, ...count } of reactions) counts.set(seq, [...(counts.get(seq) ?? []), count]);
  const summaries = new Map(threads.map(({ root, ...thread }) => [root, thread]));
  return events.map((event) => {
    const [own, reply, thread] = [counts, replies, summaries].map((of) => of.get(event.seq)) as [
      ReactionCount[] | undefined,
      MessageContext["reply"],
      ThreadSummary | undefined,
    ];
    if (!own && !reply && !thread) return event;
    const context = {
      ...(own && { reactions: byLook(own) }),
      ...(reply && { reply }),
      ...(thread && { thread }),
    };
    return { ...event, dataJson: JSON.stringify({ ...dataOf<"message">(event), ...context }) };
  });
}

/** What answers show of the messages that they answer, by the seq of the answer. */
async function repliesOf(
  { messages }: Pick<Store, "messages">,
  events: readonly LoggedEvent[],
  isSeen: (seq: number) => boolean,
): Promise<Map<number, NonNullable<MessageContext["reply"]>>> {
  const answers = events.flatMap((event) => {
    if (event.type !== "message" || !event.dataJson.includes(REPLY_FIELD)) return [];
    const { replyTo = 0 } = dataOf<"message">(event);
    return isSeen(replyTo) ? [{ ...event, replyTo }] : [];
  });
  if (answers.length === 0) return new Map();
  const known = new Map(events.map((event) => [event.seq, event]));
  const elsewhere = answers.filter(({ replyTo }) => !known.has(replyTo));
  const places = elsewhere.map(({ roomId, replyTo: seq }) => ({ roomId, seq }));
  const found = places.length === 0 ? [] : await messages.at(places);
  for (const event of found) known.set(event.seq, event);
  return new Map(
    answers.flatMap(({ seq, replyTo }) => {
      const parent = known.get(replyTo);
      const reply = parent && replyOf(parent);
      return reply ? [[seq, reply] as const] : [];
    }),
  );
}

/** A message as an answer shows it; nothing for one that was deleted. */
function replyOf(message: LoggedEvent): MessageContext["reply"] {
  if (message.type !== "message") return undefined;
  const { text, deleted } = dataOf<"message">(message);
  return deleted
    ? undefined
    : { seq: message.seq, actor: message.actor, text: cutText(text, REPLY_CHARACTERS) };
}

/** Joins the counts of names that look the same: what was stored long ago was not normalized. */
function byLook(counts: readonly ReactionCount[]): ReactionCount[] {
  const byName = new Map<string, ReactionCount>();
  for (const { name: stored, count, me, actors } of counts) {
    const name = reactionName(stored);
    const before = byName.get(name) ?? { name, count: 0, me: false, actors: [] };
    byName.set(name, {
      name,
      count: before.count + count,
      me: before.me || me,
      actors: [...before.actors, ...actors].slice(0, REACTION_ACTORS),
    });
  }
  return [...byName.values()];
}

function checkPage({ limit, thread, ...places }: HistoryPage): void {
  if (thread !== undefined) checkId("thread", thread);
  if (thread !== undefined && places.around !== undefined) {
    throw badField("thread", "and around must not be given together");
  }
  const [first, second] = Object.entries(places);
  if (first && second) throw badField(first[0], `and ${second[0]} must not be given together`);
  if (first && (!Number.isSafeInteger(first[1]) || first[1] < 0)) {
    const [field] = first;
    throw badField(field, `must be a ${field === "at" ? "time in ms" : "seq"} (an integer of at least 0)`);
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw badField("limit", "must be an integer from 1 to 200");
  }
}
