/** What a room, a membership and a role are. See ../model.ts for the words about ids and times. */
import type { MemberKey } from "./actors.ts";

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
  /** What a guest's session is derived from (guests.ts); null for everybody else. */
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

/** Where a member has read to. */
export interface ReadResult {
  read: number;
  unread: number;
  mention: number;
  /** False when the marker stood there, or further, already. */
  moved: boolean;
}
