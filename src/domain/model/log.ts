/** Events of a room's log. See ../model.ts about ids and times. */
import type { Actor } from "./actors.ts";
import type { ShownAttachment } from "./files.ts";
import type { Posting, Role, RoomType } from "./rooms.ts";

export const EVENT_TYPES = [
  "message",
  "message.edited",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "member.joined",
  "member.left",
  "member.changed",
  "room.created",
  "room.changed",
  "room.deleted",
  "message.pinned",
  "message.unpinned",
  "call.started",
  "call.joined",
  "call.left",
  "call.ended",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** `data` of each event type (reference: PROTOCOL.md, "Events"). */
export interface EventData {
  message: {
    text: string;
    replyTo?: number;
    mentions?: string[];
    attachments?: ShownAttachment[];
    /** The seq with which the thread begins that it is in. */
    thread?: number;
    edited?: number;
    deleted?: true;
  } & MessageExtras &
    MessageContext;
  "message.edited": EditData | HiddenData;
  /** `thread` of an answer: where its thread begins. */
  "message.deleted": { seq: number; thread?: number };
  "reaction.added": { seq: number; name: string };
  "reaction.removed": { seq: number; name: string };
  /** `history` is set where new members see earlier events. */
  "member.joined": { member: Actor; role: Role; history?: "shared" };
  "member.left": { member: Actor; role: Role };
  "member.changed": { member: Actor; role: Role };
  "room.created": { name: string; type: RoomType };
  "room.changed": Partial<{
    name: string;
    description: string | null;
    avatar: string | null;
    avatarUrl: string | null;
    type: RoomType;
    readOnly: boolean;
    posting: Posting;
    lobby: boolean;
    lobbyUntil: number | null;
    hasPassword: boolean;
    messageTimer: number | null;
    receiptMode: number | null;
    access: string[];
    accessRole: string;
    /** Whether there is a guest link. Its code is not in the log. */
    guestLink: boolean;
    automationEnabled: boolean;
    scheduledDeletion: number | null;
    request: boolean;
  }>;
  "room.deleted": Record<string, never>;
  "message.pinned": { seq: number };
  "message.unpinned": { seq: number };
  "call.started": Record<string, never>;
  "call.joined": Record<string, never>;
  "call.left": Record<string, never>;
  "call.ended": Record<string, never>;
}

/** What a message may have beside its text. An ordinary message has none of it. */
export interface MessageExtras {
  /** How the text is written; missing: as it is. */
  format?: "markdown";
  /** The sender wants nobody to be alarmed. */
  silent?: true;
  /** What the message is, with its own data; its text is for those who do not know the kind. Missing: a text. */
  kind?: string;
  data?: Record<string, unknown>;
  /** Of a message that was sent on: where its words come from. */
  forwarded?: Forwarded;
}

/**
 * The first author of a forwarded message and its time, and whom it mentioned (ids of actors, or "all"): they are told nothing.
 * The keys of the actor are in the order of {@link Actor}, by which the store finds the actor.
 */
export interface Forwarded {
  actor: Actor;
  at: number;
  mentions?: string[];
}

/** What history adds to a message as it stands now. It is not in the log. */
export interface MessageContext {
  reactions?: ReactionCount[];
  /** The message that it answers, when the reader may see it and it was not deleted. */
  reply?: { seq: number; actor: Actor; text: string };
}

/** What a member sees of a thread beside the message with which it begins. Deleted answers don't count. */
export interface ThreadSummary {
  count: number;
  lastSeq: number;
  /** When the last answer was sent, ms. */
  lastAt: number;
  /** Answers by others after the member's read markers of the room and of the thread. */
  unread: number;
}

/** The reactions to a message by one name. */
export interface ReactionCount {
  name: string;
  count: number;
  /** Whether the reader's own is among them. */
  me: boolean;
  /** The first of those who reacted. */
  actors: Actor[];
}

/** The message after an edit. Old edits have only the fields that they changed. */
export interface EditData {
  seq: number;
  text: string;
  mentions?: string[];
  attachments?: ShownAttachment[];
  format?: "markdown";
}

/**
 * Replaces the data of an event about a message when its text must not be shown: a later edit or the deletion removed the
 * text, or the reader may not see the message (visibility.ts).
 */
export interface HiddenData {
  seq: number;
  hidden: true;
}

/** An event of the log. `dataJson` stays text, so that frames can contain it without parsing. */
export interface LoggedEvent {
  roomId: number;
  /** The room's 8-character token. */
  room: string;
  seq: number;
  type: EventType;
  /** The idempotency key that the client gave a message, or null. */
  id: string | null;
  actor: Actor;
  at: number;
  dataJson: string;
}

/** The event that a change made; null where the state was so already, and nothing had to be said. */
export type MadeEvent = Pick<LoggedEvent, "seq" | "at"> | null;
