/**
 * What use cases tell live sessions, beside the log. A use case announces what it did, once, by a method of this port; a
 * face answers its caller and announces nothing. Committed events reach the sessions another way:
 * src/gateway/frames/commit-publisher.ts publishes them.
 *
 * Nothing waits for an announcement and none fails. While the bus is away all of them are lost; each method says what a
 * session then misses, and until when. Sessions here are those of the WebSocket on every gateway, and the readers of the
 * feed (./feed.ts), which stand behind Talk's long polls and Wire's socket.
 */
import type { Actor, ConnectionStatus, MemberKey, User } from "../model.ts";
import type { CallParticipant, CallState } from "./hot.ts";

export interface Broadcasts {
  /**
   * To those who have the room open: the actor types, or stopped. Lost: they show the actor as before until the actor
   * starts or stops again, or until they open the room again. Bridges are told as well; lost: Matrix shows it for a minute at most.
   */
  typing(room: NamedRoom, actor: Actor, on: boolean): void;
  /**
   * To those who have the room open: the actor looks at it who did not before, or with `gone` looks at it no more.
   * Lost: they show the actor as before until the actor comes or goes again, or until they open the room again. Bridges are told of users as
   * well; lost: Matrix follows within two minutes.
   */
  presence(room: NamedRoom, actor: Actor, lastPing: number, gone?: true): void;
  /** To everybody in the room: who is in its call. Lost: they see the call as it was until it changes again. */
  call(room: NamedRoom, call: CallState): void;
  /**
   * To those who have the room open: the actor has read up to this seq, and the actor's clients have the log up to another.
   * Lost: the actor's next receipt makes up for it.
   * @param to only these users (ids) are told
   */
  receipt(room: NamedRoom, actor: Actor, read: number, delivered: number, to?: readonly number[]): void;
  /**
   * To the user's own sessions: what they have not read, because the marker or the mentions changed.
   * @param except the session that moved the marker: its command is answered with the counts
   * Lost: a session counts wrong until the next marker, or until it says hello again. Where the marker moved, bridges are told as
   * well; lost: Matrix shows the marker as before until the next.
   */
  unread(room: NamedRoom, userId: number, counts: UnreadCounts, except?: string): void;
  /**
   * To the user's own sessions: the user hid a message for themselves, their `no`th. Lost: a session shows it until its client
   * resumes; by the number it knows that it missed some.
   */
  hidden(room: NamedRoom, userId: number, seq: number, no: number): void;
  /**
   * To the user's own readers of the feed: the settings of a room changed at this time (ms). Lost: a reader finds the
   * change in the journal with the next thing that it is told.
   */
  settings(userId: number, roomId: number, at: number): void;
  /**
   * To the user's own sessions: the entry of this room in the user's list changed, and no event of the room says so.
   * Lost: the sessions show the entry as before until it changes again, or until they say hello again.
   */
  entry(userId: number, roomId: number): void;
  /**
   * To the user's own sessions and readers of the feed: how the user stands to another changed at this time (ms); sessions are told
   * how. `connection` is null where that could not be read. Lost: a session has the list of before until it reads it again;
   * readers of the feed find the change in the journal with the next thing that they are told.
   */
  connection(userId: number, at: number, connection: OwnConnection | null): void;
  /**
   * To everybody in these rooms (ids): the user has another name, handle, picture or status. Lost: the user's own sessions follow within
   * seconds as in {@link userChanged}; others show the old name until the user's next event. Bridges are told as well; lost: Matrix follows
   * within seconds.
   */
  renamed(user: User, roomIds: readonly number[]): void;
  /** To the user's own sessions: their profile is this now. Lost: a session has the one of before until it says hello again. */
  profile(user: User): void;
  /**
   * To the user's own sessions: they block the other (a user, or a Matrix id), or no more. Lost: a session has the list of before until it says
   * hello again.
   */
  block(userId: number, peerId: number | string, on: boolean): void;
  /**
   * To the user's own sessions: the other is in their contact book under this name (null: the other's own), or no more. Lost: a
   * session has the book of before until it reads it again.
   */
  contact(userId: number, peerId: number, on: boolean, name: string | null): void;
  /**
   * To the gateways where the user has sessions: check whether they may go on, and under which name. Lost: gateways
   * compare users with the store every few seconds.
   */
  userChanged(userId: number): void;
  /**
   * To one WebSocket session in a room's call: what another session there says to it, whose id is `from`. Lost: it never comes, and
   * the two set up their connection again.
   */
  signal(
    room: NamedRoom,
    to: CallParticipant,
    said: { from: string; actor: Actor; data: Record<string, unknown> },
  ): void;
  /**
   * To those who wait for signaling messages in a room: some came, or a client joined or left. Lost: who waits looks again
   * when the long poll ends.
   */
  signaling(roomId: number): void;
}

export interface NamedRoom {
  id: number;
  token: string;
}

/** How a user stands to another. */
export interface OwnConnection {
  to: User;
  /** `to` has shown themselves to the user. */
  known: boolean;
  status: ConnectionStatus;
  message: string | null;
  room: Pick<NamedRoom, "token"> | null;
  /** ms */
  updatedAt: number;
}

export interface UnreadCounts {
  read: number;
  unread: number;
  mention: number;
  /** Counted up to this seq; missing where the marker itself moved. */
  head?: number;
  /** The room is marked as unread now. Where `head` is missing as well, it is not. */
  unreadMark?: true;
  /** A thread whose marker moved: its first message, how far it was read, and the answers of others after that. */
  thread?: { seq: number; read: number; unread: number };
}

// ── Messages on a user's channel ─────────────────────────────────────────────────────────────────────

export type UserBroadcast =
  | UnreadBroadcast
  | OwnFrame
  | SettingsHint
  | EntryHint
  | ConnectionHint
  | ConnectionNews
  | ChangedHint;

export interface UnreadBroadcast {
  unread: UnreadCounts & { op: "unread"; room: string };
  /** Missing where another version told it. */
  roomId?: number;
  /** The session that is not told; empty: all are. */
  except: string;
}

/** A frame of the WebSocket protocol for all of the user's sessions: their own profile, whom they block or know, or what they hid; or for one. */
export interface OwnFrame {
  /** The only session that is told: what another says to it in a call. */
  only?: string;
  frame:
    | { op: "user"; user: object }
    | { op: "block"; user: string; on: boolean }
    | { op: "contact"; user: string; on: boolean; name?: string }
    | { op: "hidden"; room: string; seqs: number[]; no: number }
    | { op: "signal"; room: string; from: string; actor: Actor; data: Record<string, unknown> };
}

export interface SettingsHint {
  hint: "settings";
  roomId: number;
  at: number;
}

export interface EntryHint {
  hint: "entry";
  roomId: number;
}

export interface ConnectionHint {
  hint: "connection";
  at: number;
}

/** The same, with a frame of the WebSocket protocol for the user's sessions. */
export interface ConnectionNews extends ConnectionHint {
  frame: { op: "connection"; user: object; status: string; message?: string; room?: string; at: number };
}

/** What bridges carry to Matrix beside the log, one thing a message. */
export interface BridgeNews {
  /** A user's marker in a room moved: the ids of both. */
  read?: [roomId: number, userId: number];
  /** A user (the id) has another name, picture or status. */
  profile?: number;
  /** A user began to look at a room, or looks at it no more: the ids of both. */
  looks?: [roomId: number, userId: number, on: boolean];
  /** A member began to type in a room (its id), or stopped. */
  typing?: [roomId: number, member: MemberKey, on: boolean];
}

export interface ChangedHint {
  hint: "changed";
}
