/**
 * News that are in no log, as they go over the bus to the sessions and followers of every process: JSON frames of
 * WebSocket protocol v1 (src/protocol/frames.ts), one a message. A bus that is away loses them.
 */
import type { Actor, ReadResult, User } from "../model.ts";
import { type Bus, channels } from "../ports/bus.ts";
import type { CallState } from "../ports/hot.ts";

export interface News {
  typing(room: NamedRoom, actor: Actor, on: boolean): void;
  /** Somebody looks at the room who did not before, or with `gone` looks no more. */
  presence(room: NamedRoom, actor: Actor, lastPing: number, gone?: true): void;
  call(room: NamedRoom, call: CallState): void;
  /** Somebody's read marker moved: to those who look at the room, and to the user's own sessions. */
  read(room: NamedRoom, actor: Actor, marker: Marker): void;
  /** What a user has not read changed, but not their marker: to their own sessions. `head`: counted up to this seq. */
  counted(room: NamedRoom, userId: number, counts: Marker & { head: number }): void;
  /** The user changed their own settings of a room at this time (ms). */
  settings(userId: number, conversationId: number, at: number): void;
  /** How the user stands to another changed, at this time (ms). */
  connection(userId: number, at: number): void;
  /** The user goes by another name or handle now: to everybody in these rooms (ids). */
  profile(user: User, conversationIds: readonly number[]): void;
  /** Gateways have to look at once whether the user's live sessions may go on. */
  userChanged(userId: number): void;
}

type Marker = Pick<ReadResult, "read" | "unread" | "mention">;

export interface NamedRoom {
  id: number;
  token: string;
}

/** On a user's channel. */
export interface SettingsHint {
  hint: "settings";
  conversationId: number;
  at: number;
}

/** On a user's channel. */
export interface ConnectionHint {
  hint: "connection";
  at: number;
}

/** A user as frames of the WebSocket protocol show them. */
export function shownUser({ id, uuid, publicId, handle, displayName }: User) {
  return { id: String(id), uuid, publicId, handle, name: displayName };
}

export function createNews(bus: Bus): News {
  const tell = (channel: string, news: object) => bus.publish(channel, Buffer.from(JSON.stringify(news)));
  const inRoom = ({ id, token }: NamedRoom, op: string, news: object) =>
    tell(channels.room(id), { op, room: token, ...news });
  return {
    typing: (room, actor, on) => inRoom(room, "typing", { actor, on }),
    presence: (room, actor, lastPing, gone) => inRoom(room, "presence", { actor, lastPing, gone }),
    call(room, { flags, participants }) {
      const shown = participants.map((one) => ({ actor: one.actor, flags: one.flags }));
      inRoom(room, "call", { flags, participants: shown });
    },
    read(room, actor, { read, unread, mention }) {
      inRoom(room, "receipt", { actor, read });
      if (actor.kind !== "user") return;
      const frame = { op: "unread", room: room.token, read, unread, mention };
      // The marker was moved by none of the WebSocket's sessions.
      tell(channels.user(Number(actor.id)), { unread: frame, except: "" });
    },
    counted({ token }, userId, counts) {
      tell(channels.user(userId), { unread: { op: "unread", room: token, ...counts }, except: "" });
    },
    settings: (userId, conversationId, at) =>
      tell(channels.user(userId), { hint: "settings", conversationId, at } satisfies SettingsHint),
    connection: (userId, at) =>
      tell(channels.user(userId), { hint: "connection", at } satisfies ConnectionHint),
    profile(user, conversationIds) {
      for (const id of conversationIds) tell(channels.room(id), { op: "user", user: shownUser(user) });
    },
    userChanged: (userId) => tell(channels.user(userId), { hint: "changed" }),
  };
}
