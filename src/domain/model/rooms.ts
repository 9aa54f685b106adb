/** Rooms, memberships and roles. See ../model.ts about ids and times. */
import type { MemberKey } from "./actors.ts";

export type RoomType = "one_to_one" | "group" | "public";
/** The type of a chatroom in Messenger. */
export type ChatroomKind = "default" | "custom" | "event";
export type HistoryVisibility = "joined" | "shared";
/** Who writes in a room: all members, or only those who moderate it. */
export type Posting = "all" | "moderators";
export type Role = "owner" | "moderator" | "user" | "guest" | "self_joined" | "guest_moderator";

/** The bytes of an image, and its media type. */
export interface Picture {
  bytes: Uint8Array;
  mime: string;
}

export interface Room {
  id: number;
  uuid: string;
  token: string;
  publicId: string;
  organizationId: number | null;
  type: RoomType;
  /** Messenger's type; null when the room was made through another API. */
  kind: ChatroomKind | null;
  name: string;
  description: string | null;
  /** Id of the picture that Causeway stores for the room, or null. It can't be guessed, and gives access to the picture. */
  avatarId: string | null;
  /** A client's own URL of the room's picture, or null. Causeway never opens it. */
  avatarUrl: string | null;
  /** The Messenger event the room belongs to, or null. */
  eventId: number | null;
  automationEnabled: boolean;
  /** Never changes. */
  history: HistoryVisibility;
  readOnly: boolean;
  posting: Posting;
  lobby: boolean;
  /** When the lobby opens by itself, ms; null: never. */
  lobbyUntil: number | null;
  /** argon2id hash of the password that a stranger needs to join a public room. */
  passwordHash: string | null;
  /** The two users of a one-to-one room, also after one has left: see {@link pairOf}. Null for other rooms. */
  pair: string | null;
  /** Whether one of the pair blocks the other, or the room is a `request`. Nobody may write until that ends. */
  blocked: boolean;
  /** Somebody in Matrix asks the user of the pair for this room, and the user has not accepted. */
  request: boolean;
  /** Messages sent from now on are deleted after so long, ms; null and 0: never. */
  messageTimer: number | null;
  /** A number that only Wire's clients read. 0 and null differ. */
  receiptMode: number | null;
  /** Wire's access and access role. Only Wire's API applies them. */
  access: string[];
  accessRole: string;
  /** The secret of the room's guest link; null when it has none. */
  guestCode: string | null;
  /** argon2id hash of the password that joining by the guest link needs; null: none. */
  guestPasswordHash: string | null;
  createdBy: MemberKey;
  createdAt: number;
  /** When the room is to be deleted, ms, or null. */
  scheduledDeletion: number | null;
  matrixRoomId: string | null;
}

/** Names of a room that may be deleted. */
export interface RoomNames {
  uuid: string;
  /** Null where its log is gone, too. */
  token: string | null;
}

/** The head of a room's log. */
export interface RoomHead {
  roomId: number;
  /** The last assigned seq; 0 for an empty log. */
  head: number;
  /** Messages ever sent (deleted ones included): the running message number of the last message. */
  messages: number;
  /** Time of the last event, ms. */
  lastActivity: number;
  /** Grows with every change of permissions in the room. A send that was checked under an older version is checked again. */
  accessVersion: number;
  /** The seq of `call.started` while a call runs, else null. */
  callSeq: number | null;
}

/** The key of the other user in `pair`; the member's own in a room with oneself. */
export function peerIn(pair: string, member: MemberKey): MemberKey {
  const [a = "", b = ""] = pair.split(" ");
  return a === member ? b : a;
}

/** One text for two users, in either order. The pair of a room with oneself is one user twice. */
export function pairOf(a: MemberKey, b: MemberKey): string {
  return [a, b].sort().join(" ");
}

export interface Membership extends MembershipSettings {
  roomId: number;
  member: MemberKey;
  /** Set for users, null for guests and Matrix members. */
  userId: number | null;
  /** The member's name in the room. */
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
  /** The number of the last message here that the member hid for themselves; 0: they hid none. */
  hiddenNo: number;
  /** When the member last opened the room or read in it, ms; null: never. */
  lastOpenedAt: number | null;
  /** When the member last changed what Wire's clients show of their settings, ms; null: never. */
  settingsAt: number | null;
  /** The seed of a guest's session ids (auth/sessions.ts); null for other members. */
  guestSeed: string | null;
}

/** A member's own settings of a room. No other member and no event shows them. The fields `…Ref` are for Wire's clients. */
export interface MembershipSettings {
  favourite: boolean;
  notificationLevel: NotificationLevel;
  /** `mutedStatus` > 0. */
  muted: boolean;
  mutedStatus: number | null;
  mutedRef: string | null;
  /** When the room is muted no more by itself, ms; null: never. */
  mutedUntil: number | null;
  pinned: boolean;
  archivedAt: number | null;
  archivedRef: string | null;
  /** The member wants to come back to the room, as if something were unread. Reading there or a send takes it away. */
  unreadMark: boolean;
  hidden: boolean;
  hiddenRef: string | null;
}

export type NotificationLevel = "default" | "always" | "mention" | "never";

/** What a level means: without one of one's own everything in one-to-one rooms, mentions elsewhere, nothing for guests. */
export function effectiveLevel(
  level: NotificationLevel,
  role: Role,
  type: RoomType,
): Exclude<NotificationLevel, "default"> {
  if (role === "guest" || role === "guest_moderator") return "never";
  if (level !== "default") return level;
  return type === "one_to_one" ? "always" : "mention";
}

/** The fields of a room that `can` needs. */
export type RoomRules = Pick<
  Room,
  "id" | "type" | "readOnly" | "posting" | "lobby" | "lobbyUntil" | "blocked"
>;

/** A member's read marker. */
export interface ReadResult {
  read: number;
  unread: number;
  mention: number;
  /** False when the marker was there, or further, before. */
  moved: boolean;
}
