/**
 * What a room shows, and how events change it: plain functions, which neither read nor write anything else.
 *
 * Every function may be told an event a second time, and gives the same as the first time. A page of history may hold the
 * work of events that are still to come.
 */
import type {
  EventFrame,
  MessageData,
  MessageEvent,
  Reaction,
  RoomEvent,
  WireActor,
} from "../../../protocol/frames.ts";

/** Types of events that change a message, and are no entries of the timeline themselves. */
const CHANGES = new Set([
  "message.edited",
  "message.deleted",
  "message.pinned",
  "message.unpinned",
  "reaction.added",
  "reaction.removed",
]);

/** Why the server refused what the app did. */
export interface Failure {
  /** The outbox' entry, for `client.retry` and `client.discard`. */
  id: string;
  code: string;
  message: string;
}

export interface TimelineMessage extends Omit<MessageEvent, "op" | "seq"> {
  /** Missing until the server has given it one. */
  seq?: number;
  /** Stays the same for the life of the message, for lists. */
  key: string;
  /** It, or a change of it, is not acknowledged yet. */
  pending?: true;
  /** It, or a change of it, was refused. */
  failed?: Failure;
  /** What it tells of its thread is to be asked of the server: an answer was deleted, or some were read. */
  stale?: true;
}
/** An event that is no message: somebody joined, a call began, the room has another name. */
export type TimelineNotice = Exclude<RoomEvent, { type: "message" }> & { key: string };
export type TimelineItem = TimelineMessage | TimelineNotice;
/** An item that is in the room's log. */
export type StoredItem = (TimelineMessage & { seq: number }) | TimelineNotice;

/** An answer that is gone from the thread that begins at `root`. */
export interface GoneAnswer {
  root: number;
  gone: RoomEvent;
}

/** [GW-6.8] Characters of a message that is answered. */
const REPLY_CHARACTERS = 200;
/** [GW-6.8] Those who reacted with a name that are listed. */
const REACTION_ACTORS = 10;

/** The item of an event; null for one that only changes a message. */
export function itemOf(event: RoomEvent): StoredItem | null {
  if (CHANGES.has(event.type)) return null;
  const { room, seq, type, id, actor, at, data } = event as EventFrame;
  const key = keyOf(event);
  // Written out, because many are made at once and copying all but one field takes longer.
  return (
    id === undefined
      ? { room, seq, type, actor, at, data, key }
      : { room, seq, type, id, actor, at, data, key }
  ) as StoredItem;
}

/** A message is the same by the id that its sender gave it, before and after it has a seq. */
export function keyOf({ id, actor, seq }: { id?: string; actor: WireActor; seq?: number }): string {
  return id === undefined ? String(seq) : `${actor.kind}:${actor.id}:${id}`;
}

const NO_TARGETS: readonly number[] = [];

/**
 * The seqs of the messages that an event changes; none for an event that changes none, or whose change is not to be shown. An answer
 * and its deletion change the message with which its thread begins.
 */
export function targetsOf(event: RoomEvent): readonly number[] {
  if (event.type === "message")
    return typeof event.data.thread === "number" ? [event.data.thread] : NO_TARGETS;
  if (!CHANGES.has(event.type)) return NO_TARGETS;
  const { seq, thread, hidden } = event.data as { seq: number; thread?: number; hidden?: true };
  if (hidden) return NO_TARGETS;
  return thread === undefined ? [seq] : [seq, thread];
}

/** Whether the event changes this message itself, and not what it tells of its thread. */
export function isChangeOf(target: number, event: RoomEvent): boolean {
  return event.type !== "message" && (event.data as { seq?: number }).seq === target;
}

/** Who looks at an item. */
export interface Reader {
  /** The user's id. */
  me: string;
  /** How far the user has read in the room, or in the thread that the item begins. */
  read: number;
}

/** The item after a change. */
export function changeItem<T extends TimelineItem>(item: T, event: RoomEvent, reader: Reader): T {
  if (item.type !== "message") return item;
  // An answer of its thread was deleted: which one is the last now is not known here.
  if (event.type === "message.deleted" && item.seq !== event.data.seq) return { ...item, stale: true };
  const data =
    event.type === "message" ? answered(item.data, event, reader) : changeData(item.data, event, reader.me);
  return data === item.data ? item : { ...item, data };
}

/** The first message of a thread after an answer. A summary that has the answer stays. */
function answered(data: MessageData, { seq, at, actor }: MessageEvent, { me, read }: Reader): MessageData {
  const before =
    typeof data.thread === "object" ? data.thread : { count: 0, lastSeq: 0, lastAt: 0, unread: 0 };
  if (seq <= before.lastSeq) return data;
  const unread = before.lastSeq <= read ? 0 : before.unread;
  const isUnread = seq > read && !isMe(actor, me);
  const thread = { count: before.count + 1, lastSeq: seq, lastAt: at, unread: unread + (isUnread ? 1 : 0) };
  return { ...data, thread };
}

/** The item after its reader has read on. Where part of its answers may be unread still, that has to be asked. */
export function readItem<T extends TimelineItem>(item: T, read: number): T {
  if (item.type !== "message" || typeof item.data.thread !== "object" || item.data.thread.unread === 0)
    return item;
  if (item.data.thread.lastSeq > read) return { ...item, stale: true };
  return { ...item, data: { ...item.data, thread: { ...item.data.thread, unread: 0 } } };
}

function changeData(data: MessageData, event: RoomEvent, me: string): MessageData {
  if (data.deleted) return data;
  switch (event.type) {
    case "message.edited":
      return event.data.hidden ? data : edited(data, event.data, event.at);
    case "message.deleted":
      return deleted(data);
    case "reaction.added":
      return event.data.hidden ? data : react(data, event.data.name, event.actor, isMe(event.actor, me));
    case "reaction.removed":
      return event.data.hidden ? data : unreact(data, event.data.name, event.actor, isMe(event.actor, me));
    default:
      return data;
  }
}

/** What history shows of a deleted message: its thread is left. */
export function deleted({ thread }: MessageData): MessageData {
  return { text: "", deleted: true, ...(thread !== undefined && { thread }) };
}

/** A message after an edit, which says all that the message now says; only these fields stay as they were. */
export function edited(data: MessageData, edit: Partial<MessageData>, at: number): MessageData {
  if (data.edited !== undefined && data.edited > at) return data;
  const { text = "", mentions, attachments, format } = edit;
  const { mentions: _m, attachments: _a, format: _f, ...kept } = data;
  return {
    ...kept,
    text,
    ...(mentions && mentions.length > 0 && { mentions }),
    ...(attachments && attachments.length > 0 && { attachments }),
    ...(format && { format }),
    edited: at,
  };
}

export function react(data: MessageData, name: string, actor: WireActor, me: boolean): MessageData {
  const reactions = data.reactions ?? [];
  const known = reactions.find((reaction) => reaction.name === name);
  if (!known) {
    return { ...data, reactions: [...reactions, { name, count: 1, me, actors: [actor] }] };
  }
  if (hasReacted(known, actor, me)) return data;
  const actors = known.count < REACTION_ACTORS ? [...known.actors, actor] : known.actors;
  return replaceReaction(data, { name, count: known.count + 1, me: known.me || me, actors });
}

export function unreact(data: MessageData, name: string, actor: WireActor, me: boolean): MessageData {
  const known = data.reactions?.find((reaction) => reaction.name === name);
  // One who is not among those listed may have been counted or not, where not all are listed.
  if (!known || (!hasReacted(known, actor, me) && known.count <= known.actors.length)) return data;
  const actors = known.actors.filter((other) => !isSame(other, actor));
  return replaceReaction(data, { name, count: known.count - 1, me: known.me && !me, actors });
}

/** The message as those show it that answer it; null where it is not shown. */
export function replyOf(item: TimelineItem | undefined): MessageData["reply"] | null {
  if (item?.type !== "message" || item.seq === undefined || item.data.deleted) return null;
  return { seq: item.seq, actor: item.actor, text: replyText(item.data.text) };
}

/** What a message says when it is sent on [GW-5.11]; null for one that was deleted, or is none. */
export function forwardOf(item: TimelineItem | undefined): MessageData | null {
  if (item?.type !== "message" || item.data.deleted) return null;
  const { text, attachments, format, kind, data, mentions } = item.data;
  const { forwarded = { actor: item.actor, at: item.at, ...(mentions && { mentions }) } } = item.data;
  return {
    text,
    ...(attachments && { attachments }),
    ...(format && { format }),
    ...(kind && { kind }),
    ...(data && { data }),
    forwarded,
  };
}

/** The part of a text that is shown where it is answered. */
export function replyText(text: string): string {
  return Array.from(text).slice(0, REPLY_CHARACTERS).join("");
}

/** The item with another `reply`; null removes it. */
export function withReply<T extends TimelineItem>(item: T, reply: MessageData["reply"] | null): T {
  if (item.type !== "message" || item.data.deleted) return item;
  const { reply: before, ...rest } = item.data;
  if (!before && !reply) return item;
  if (before && reply && before.text === reply.text && before.seq === reply.seq) return item;
  return { ...item, data: { ...rest, ...(reply && { reply }) } };
}

/** What says that an answer is gone from its thread, which its user hid: there it is as if it were deleted. Undefined for others. */
export function goneAnswer({ room, seq, at, actor, type, data }: StoredItem): GoneAnswer | undefined {
  const root = type === "message" ? (data as MessageData).thread : undefined;
  if (typeof root !== "number") return undefined;
  const deletion = {
    op: "event",
    type: "message.deleted",
    room,
    seq,
    at,
    actor,
    data: { seq, thread: root },
  };
  return { root, gone: deletion as RoomEvent };
}

export function isMe(actor: WireActor, me: string): boolean {
  return actor.kind === "user" && actor.id === me;
}

function isSame(a: WireActor, b: WireActor): boolean {
  return a.kind === b.kind && a.id === b.id;
}

function hasReacted(reaction: Reaction, actor: WireActor, me: boolean): boolean {
  return me ? reaction.me : reaction.actors.some((other) => isSame(other, actor));
}

/** A name that nobody reacts with any more is gone, and so are `reactions` without a name. */
function replaceReaction(data: MessageData, reaction: Reaction): MessageData {
  const { reactions = [], ...rest } = data;
  const left = reactions
    .map((other) => (other.name === reaction.name ? reaction : other))
    .filter(({ count }) => count > 0);
  return left.length > 0 ? { ...rest, reactions: left } : rest;
}
