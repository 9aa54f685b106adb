/**
 * The nouns of Causeway: what a room, an event, a member and an account are.
 * Plain data without behaviour; every other file of the domain speaks in these words.
 *
 * Ids: `id` is the int64 of the database (kept below 2^53), `uuid` is Wire's name for the same row,
 * `publicId` (16 characters `[A-Za-z0-9]`) is Protocol's, `token` (8 characters) is the WebSocket's and Talk's.
 * Times are milliseconds since 1970 UTC.
 */

/** Who acts. `id` is a user's int64 in decimal, a guest's opaque id, a Matrix user id, or a system part's name. */
export interface Actor {
  kind: ActorKind;
  id: string;
  name: string;
}
export type ActorKind = "user" | "guest" | "matrix" | "system";

/**
 * One text that names an actor in the store: `u:42`, `g:…`, `m:@a:example.org`, `s:causeway`.
 * It is the key of memberships, mentions and of the duplicate check of sends.
 */
export type MemberKey = string;

const KIND_LETTER: Record<ActorKind, string> = { user: "u", guest: "g", matrix: "m", system: "s" };
const LETTER_KIND: Record<string, ActorKind> = { u: "user", g: "guest", m: "matrix", s: "system" };

export function memberKey(actor: Pick<Actor, "kind" | "id">): MemberKey {
  return `${KIND_LETTER[actor.kind]}:${actor.id}`;
}

/** The inverse of {@link memberKey}; `name` is what the store remembered beside the key. */
export function actorOf(key: MemberKey, name: string): Actor {
  return { kind: LETTER_KIND[key[0] ?? "s"] ?? "system", id: key.slice(2), name };
}

export function userKey(userId: number): MemberKey {
  return `u:${userId}`;
}

/**
 * For a name that is nobody's. Use cases refuse it as they refuse somebody who does not exist for the caller, after the
 * same look-ups: nobody learns which names are taken.
 */
export const NOBODY: Actor = { kind: "user", id: "0", name: "" };

/** What Causeway itself does (automation, expiry, deletion of accounts). */
export const SYSTEM_ACTOR: Actor = { kind: "system", id: "causeway", name: "Causeway" };

/** The mention of everybody in the room; stored as one row, however many members. */
export const MENTION_ALL = "all";

// ── Rooms ────────────────────────────────────────────────────────────────────────────────────────────

export type ConversationType = "one_to_one" | "group" | "public";
/** What Messenger calls a room's type; null for rooms made through another face. */
export type ChatroomKind = "default" | "custom" | "event";
export type HistoryVisibility = "joined" | "shared";
export type Role = "owner" | "moderator" | "user" | "guest" | "self_joined" | "guest_moderator";

/** The bytes of an image, and its media type. */
export interface Picture {
  bytes: Uint8Array;
  mime: string;
}

export interface Conversation {
  id: number;
  uuid: string;
  token: string;
  publicId: string;
  organizationId: number | null;
  type: ConversationType;
  /** Messenger's kind; null when the room was made through another face. */
  kind: ChatroomKind | null;
  name: string;
  description: string | null;
  /** The picture that Causeway keeps for the room, or null. Unguessable: who knows it may see that picture. */
  avatarId: string | null;
  /** Where a client keeps the room's picture; Causeway never looks at it. */
  avatarUrl: string | null;
  /** The Messenger event the room belongs to, or null. */
  eventId: number | null;
  automationEnabled: boolean;
  /** Never changes. */
  history: HistoryVisibility;
  readOnly: boolean;
  lobby: boolean;
  /** When the lobby opens by itself, ms; null: only by hand. */
  lobbyUntil: number | null;
  /** argon2id hash of the password that a stranger needs to join a public room. */
  passwordHash: string | null;
  /** The two of a one-to-one room, also after one of them left it; see {@link pairOf}. Null for every other room. */
  pair: string | null;
  /** One of the pair blocked the other: nothing is said here until they are let in again. */
  blocked: boolean;
  /** Messages sent from now on are deleted after so long, ms; null and 0: never. */
  messageTimer: number | null;
  /** What Wire's clients make of it; 0 and null are different. */
  receiptMode: number | null;
  /** Wire's access and access role, kept and shown. */
  access: string[];
  accessRole: string;
  /** The secret of the room's guest link; null when it has none. */
  guestCode: string | null;
  createdBy: MemberKey;
  createdAt: number;
  /** When the room is to be deleted, ms, or null. */
  scheduledDeletion: number | null;
  matrixRoomId: string | null;
}

/** Where a room's log stands. */
export interface RoomHead {
  conversationId: number;
  /** The last assigned seq; 0 for an empty log. */
  head: number;
  /** Messages ever sent (deleted ones included): the running message number of the last message. */
  messages: number;
  /** Time of the last event, ms. */
  lastActivity: number;
  /** Grows with every change of who may do what here; a send judged under an older version is judged again. */
  accessVersion: number;
  /** The seq of `call.started` while a call runs, else null. */
  callSeq: number | null;
}

/** The other of two in `pair`; the member alone for a room with oneself. */
export function peerIn(pair: string, member: MemberKey): MemberKey {
  const [a = "", b = ""] = pair.split(" ");
  return a === member ? b : a;
}

/** One text for two users, whichever is named first. A user's room with nobody else is that of a pair of one. */
export function pairOf(a: MemberKey, b: MemberKey): string {
  return [a, b].sort().join(" ");
}

export interface Membership extends MembershipSettings {
  conversationId: number;
  member: MemberKey;
  /** Set for users, null for guests and Matrix members. */
  userId: number | null;
  /** The name shown for the member. */
  name: string;
  role: Role;
  /** Seq of the member's own `member.joined`. */
  joinedSeq: number;
  /** Events with a higher seq are visible to the member; 0 where history is shared. */
  historyFrom: number;
  /** The read marker: the last seq that the member has read. */
  readSeq: number;
  /** The room's message number at the read marker: `unread = messages − readMessages`, without deleted ones. */
  readMessages: number;
  /** When the member last opened the room or read in it, ms; null: never. */
  lastOpenedAt: number | null;
  /** When the member last changed what Wire's clients show of their settings, ms; null: never. */
  settingsAt: number | null;
  /** What a guest's session is derived from (guest-sessions.ts); null for everybody else. */
  guestSeed: string | null;
}

/** What a member sets for themselves; nobody else sees it, and no event tells of it. Refs are Wire's, kept and shown. */
export interface MembershipSettings {
  favourite: boolean;
  notificationLevel: NotificationLevel;
  /** `mutedStatus` > 0. */
  muted: boolean;
  mutedStatus: number | null;
  mutedRef: string | null;
  pinned: boolean;
  archivedAt: number | null;
  archivedRef: string | null;
  hidden: boolean;
  hiddenRef: string | null;
}

export type NotificationLevel = "default" | "always" | "mention" | "never";

/** What `can` needs to know about a room. */
export type RoomRules = Pick<Conversation, "id" | "type" | "readOnly" | "lobby" | "lobbyUntil" | "blocked">;

// ── The log ──────────────────────────────────────────────────────────────────────────────────────────

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

// ── People ───────────────────────────────────────────────────────────────────────────────────────────

export interface User {
  id: number;
  uuid: string;
  publicId: string;
  handle: string;
  displayName: string;
  email: string | null;
  administrator: boolean;
  createdAt: number;
}

/** `chat` may manage chatrooms, `admin` may do what the organization's API token may. */
export type OrganizationRole = "member" | "chat" | "admin";

export interface Organization {
  id: number;
  uuid: string;
  name: string;
  createdAt: number;
}

export interface Group {
  id: string;
  name: string;
  members: number[];
}

/** An event of an organization, as its back office told it; its room follows when automation is on. */
export interface OrganizationEvent {
  organizationId: number;
  eventId: number;
  name: string;
  endsAt: number | null;
  acceptedUsers: number[];
}

/** A personal access token (user) or an API token (organization). The secret itself is never kept. */
export interface ApiToken {
  id: number;
  userId: number | null;
  organizationId: number | null;
  name: string;
  createdAt: number;
  expiresAt: number | null;
}

/**
 * Who a request is from, whatever it showed to prove it.
 * `credential` names what must stay valid for a live session to go on.
 */
export type Principal =
  | { kind: "user"; user: User; credential: Credential }
  | { kind: "organization"; organization: Organization; tokenId: number };

export type Credential =
  | { via: "session"; loginId: number; expiresAt: number }
  | { via: "token"; tokenId: number; expiresAt: number | null }
  /** Without `issuedAt`, and without `checkedAt`, nobody can tell from before what it is. */
  | { via: "jwt"; expiresAt: number; issuedAt?: number | null }
  | { via: "password"; checkedAt?: number };

export function userActor(user: Pick<User, "id" | "displayName">): Actor {
  return { kind: "user", id: String(user.id), name: user.displayName };
}

export function organizationActor(organization: Pick<Organization, "id" | "name">): Actor {
  return { kind: "system", id: `organization:${organization.id}`, name: organization.name };
}

// ── Files and webhooks ───────────────────────────────────────────────────────────────────────────────

/** A file that belongs to a message, or is about to. Its bytes are kept elsewhere (ports/attachments.ts). */
export interface Attachment {
  /** 16 characters `[A-Za-z0-9]`. */
  id: string;
  filename: string;
  /** The media type. */
  type: string;
  /** Bytes. */
  size: number;
  createdAt: number;
}

/** A file as a message's event tells of it. */
export type ShownAttachment = Omit<Attachment, "createdAt">;

export function shownAttachment({ id, filename, type, size }: ShownAttachment): ShownAttachment {
  return { id, filename, type, size };
}

/** What webhooks tell: Protocol's objects and what became of them. */
export const WEBHOOK_TYPES = [
  "contact.created",
  "contact.updated",
  "contact.deleted",
  "conversation.created",
  "conversation.updated",
  "conversation.deleted",
  "message.created",
  "message.updated",
  "message.deleted",
  "group.created",
  "group.updated",
  "group.deleted",
  "attachment.created",
  "attachment.updated",
  "attachment.deleted",
] as const;
export type WebhookType = (typeof WEBHOOK_TYPES)[number];

/** Where an organization wants to be told what its people do. The secret is never shown again. */
export interface Webhook {
  id: number;
  organizationId: number;
  url: string;
  /** Null: all. */
  events: WebhookType[] | null;
  createdAt: number;
}
