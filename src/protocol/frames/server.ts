/** What the server says of itself, beside the answers to commands. Rules are in PROTOCOL.md under the ids in brackets. */
import type { WireErrorCode } from "../error-codes.ts";
import type { Ref } from "./fields.ts";

export interface WireActor {
  kind: "user" | "guest" | "matrix" | "system";
  id: string;
  name: string;
}

/** [GW-15.2] A user under the names of all APIs. */
export interface WireUser {
  id: string;
  uuid: string;
  publicId: string;
  handle: string;
  name: string;
  /** The URL of their picture. */
  avatar?: string;
  /** When they were last seen, ms, where they tell [GW-17.3]. */
  lastSeen?: number;
  /** What they say of themselves. */
  status?: string;
  /** The id of their account in Matrix; missing without a homeserver. */
  matrix?: string;
}

/** [GW-17.1] A user as they see themselves. */
export interface WireSelf extends WireUser {
  email?: string;
  privacy: { receipts: Audience; lastSeen: Audience };
}

/** [GW-17.3] Whom somebody tells something of themselves. */
export type Audience = "everybody" | "contacts" | "nobody";

/** [GW-4.1] An event of a room's log; also the entries of `history` and `last` of a room in `ready`. */
export interface EventFrame {
  op: "event";
  room: string;
  seq: number;
  type: string;
  /** The client's own id of a message. */
  id?: string;
  actor: WireActor;
  at: number;
  data: Record<string, unknown>;
}

/** [GW-2.3] */
export interface ReadyFrame {
  op: "ready";
  ref: Ref;
  session: string;
  user: WireSelf;
  /** [GW-17.4] The ids of users whom the user blocks. */
  blocked: string[];
  epoch: string;
  heartbeatMs: number;
  rooms: RoomEntry[];
  /** [GW-15.7] The user has more rooms. */
  more?: true;
  resumed?: ResumedRoom[];
  /** [GW-13.9] Missing where the user hid no message. */
  hidden?: HiddenNews;
}
/** [GW-13.9] What the user hid for themselves: how many messages so far, and by room those that the client may not know of. */
export interface HiddenNews {
  no: number;
  rooms: Record<string, number[]>;
}
/** [GW-15.1] A room as one of its members has it in their list. */
export interface RoomEntry {
  room: string;
  /** [GW-15.5] Grows with each change of the entry. */
  rev: number;
  /** [GW-15.2] The room's names on the HTTP APIs: Talk's and Messenger's number, Wire's UUID, Protocol's public id, Matrix' id. */
  ids: { id: string; uuid: string; publicId: string; matrix?: string };
  /** Of a one-to-one room: the other's name. */
  name: string;
  type: "one_to_one" | "group" | "public";
  role: string;
  description?: string;
  /** The URL of its picture. */
  avatar?: string;
  /** How many are in the room. */
  members: number;
  /** The other of a one-to-one room; missing when their account was deleted. */
  peer?: WireUser;
  head: number;
  /** [GW-7.6] The time of the event at `head`, ms; 0 where the log is empty. */
  at: number;
  read: number;
  /** [GW-6.9] Our own marker of delivery. */
  delivered?: number;
  unread: number;
  mention: number;
  last: EventFrame | null;
  lastPing: number;
  /** The OR of the flags of those in the call; 0: no call. */
  call: number;
  /** [GW-12.3] The user waits in the lobby: `unread`, `mention`, `last`, `call` and `pinned` say nothing. */
  waiting?: true;
  readOnly: boolean;
  /** [GW-16.14] Who writes: all members, or only those who moderate. */
  posting: "all" | "moderators";
  lobby: boolean;
  /** When the lobby opens by itself, ms. */
  lobbyUntil?: number;
  /** What is sent from now on is deleted after so long, ms. */
  messageTimer?: number;
  hasPassword: boolean;
  /** Seqs of the pinned messages. */
  pinned: number[];
  /** The URL of the room's guest link. */
  guestLink?: string;
  /** [GW-16.19] Somebody in Matrix asks for the room: `room.join` accepts, `room.leave` refuses. */
  request?: true;
  /** The number of the room's organization. */
  organization?: string;
  settings: RoomSettings;
}
/** [GW-15.3] The member's own settings of a room. */
export interface RoomSettings {
  muted: boolean;
  /** When the room is muted no more by itself, ms. */
  mutedUntil?: number;
  pinned: boolean;
  archived: boolean;
  favorite: boolean;
  notify: "all" | "mentions" | "none";
  /** [GW-6.13] The user marked the room as unread. */
  unreadMark?: true;
}
/** [GW-15.6] What the entries of all members have alike. */
export type RoomPart = Pick<
  RoomEntry,
  | (
      | "room"
      | "ids"
      | "name"
      | "type"
      | "description"
      | "avatar"
      | "members"
      | "readOnly"
      | "posting"
      | "lobby"
      | "lobbyUntil"
    )
  | ("messageTimer" | "hasPassword" | "guestLink" | "organization")
>;
/** [GW-15.4] A room became the user's, or its entry is another now; `rev` is the entry's. */
export type RoomFrame =
  | { op: "room"; rev: number; room: RoomEntry; part?: never }
  | { op: "room"; part: true; room: RoomPart };

/** [GW-7.1] */
export interface ResumedRoom {
  room: string;
  recovered: boolean;
  from: number;
  head: number;
}

export interface ErrorFrame {
  op: "error";
  ref: Ref | null;
  code: WireErrorCode;
  message: string;
  field?: string;
  retry: boolean;
  retryAfterMs?: number;
}
/** [GW-8.1] What is now in a room that was opened. */
export interface RoomNow {
  present: WireActor[];
  typing: WireActor[];
  reads: { actor: WireActor; seq: number }[];
  /** Missing while nobody is in the call. */
  call?: Pick<CallFrame, "flags" | "participants">;
}

export interface UnreadFrame {
  op: "unread";
  room: string;
  read: number;
  unread: number;
  mention: number;
  /** [GW-6.6] Counted up to this seq; missing where the marker itself was moved. */
  head?: number;
  /** [GW-6.13] The user marked the room as unread. Where `head` is missing as well, it is not. */
  unreadMark?: true;
  /** [GW-6.12] The thread whose marker moved. */
  thread?: { seq: number; read: number; unread: number };
}
export interface TypingFrame {
  op: "typing";
  room: string;
  actor: WireActor;
  on: boolean;
}
export interface PresenceFrame {
  op: "presence";
  room: string;
  actor: WireActor;
  /** [GW-17.3] 0: they do not tell everybody. */
  lastPing: number;
  /** [GW-8.4] They look at the room no more, with any session. */
  gone?: true;
}
/** [GW-8.5] Somebody else's read marker or marker of delivery moved. */
export interface ReceiptFrame {
  op: "receipt";
  room: string;
  actor: WireActor;
  read: number;
  delivered: number;
}
/** [GW-8.6] A user has another name, handle, picture or status now; of oneself it is the whole profile. */
export interface UserFrame {
  op: "user";
  user: WireUser & Partial<WireSelf>;
}
/** [GW-17.4] The user blocks another now, or no more. */
export interface BlockFrame {
  op: "block";
  user: string;
  on: boolean;
}
/** [GW-17.17] Another is in the user's contact book, under this name (missing: their own), or no more. */
export interface ContactFrame {
  op: "contact";
  user: string;
  on: boolean;
  name?: string;
}
/** [GW-17.18] How one stands to somebody else. */
export interface WireConnection {
  /** Who has not shown themselves to us yet has no more than the ids. */
  user: WireUser | Pick<WireUser, "id" | "uuid">;
  status: "accepted" | "sent" | "pending" | "ignored" | "cancelled" | "blocked";
  /** What the one who asked said. */
  message?: string;
  /** The one-to-one room of the two; who was asked is in it as soon as they accept. */
  room?: string;
  /** When it became so, ms. */
  at: number;
}

/** [GW-17.21] The user's side of a connection is this now. */
export interface ConnectionFrame extends WireConnection {
  op: "connection";
}
/** [GW-13.8] The user hid messages for themselves; `no` is the number of the last one among all that they hid. */
export interface HiddenFrame {
  op: "hidden";
  room: string;
  seqs: number[];
  no: number;
}
/** [GW-9.1] */
export interface CallFrame {
  op: "call";
  room: string;
  flags: number;
  /** One for each session in the call; `session` is its id, by which `call.signal` addresses it. */
  participants: { session: string; actor: WireActor; flags: number }[];
}
/** [GW-9.4] What a session in the call said to this one; `from` is that session's id. */
export interface SignalFrame {
  op: "signal";
  room: string;
  from: string;
  actor: WireActor;
  data: Record<string, unknown>;
}
/** [GW-10.2] */
export interface ByeFrame {
  op: "bye";
  code: number;
  reconnectMs: number;
}
