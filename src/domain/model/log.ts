/** What an event of a room is. See ../model.ts for the words about ids and times. */
import type { Actor } from "./actors.ts";
import type { ShownAttachment } from "./files.ts";
import type { ConversationType, Role } from "./rooms.ts";

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
    edited?: number;
    deleted?: true;
  };
  "message.edited": EditData | HiddenData;
  "message.deleted": { seq: number };
  "reaction.added": { seq: number; name: string };
  "reaction.removed": { seq: number; name: string };
  /** `history` is there where who joins sees what was before. */
  "member.joined": { member: Actor; role: Role; history?: "shared" };
  "member.left": { member: Actor; role: Role };
  "member.changed": { member: Actor; role: Role };
  "room.created": { name: string; type: ConversationType };
  "room.changed": Partial<{
    name: string;
    description: string | null;
    avatar: string | null;
    avatarUrl: string | null;
    type: ConversationType;
    readOnly: boolean;
    lobby: boolean;
    lobbyUntil: number | null;
    hasPassword: boolean;
    messageTimer: number | null;
    receiptMode: number | null;
    access: string[];
    accessRole: string;
    /** Whether there is a guest link; its code is for members who ask. */
    guestLink: boolean;
    automationEnabled: boolean;
    scheduledDeletion: number | null;
  }>;
  "room.deleted": Record<string, never>;
  "message.pinned": { seq: number };
  "message.unpinned": { seq: number };
  "call.started": Record<string, never>;
  "call.joined": Record<string, never>;
  "call.left": Record<string, never>;
  "call.ended": Record<string, never>;
}

/** All that a message says from now on; edits from before this was so leave out what they did not change. */
export interface EditData {
  seq: number;
  text: string;
  mentions?: string[];
  attachments?: ShownAttachment[];
}

/**
 * An event about a message that says no more than this: a later edit or the deletion took its text back, or the reader
 * may not see the message (visibility.ts).
 */
export interface HiddenData {
  seq: number;
  hidden: true;
}

/** An event as it stands in the log. `dataJson` stays text: it is spliced into frames without being parsed. */
export interface LoggedEvent {
  conversationId: number;
  /** The room's 8-character token. */
  room: string;
  seq: number;
  type: EventType;
  /** The client's own id of a message, or null. */
  id: string | null;
  actor: Actor;
  at: number;
  dataJson: string;
}
