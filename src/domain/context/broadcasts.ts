/** Broadcasts over the bus: JSON frames of WebSocket protocol v1 (src/protocol/frames.ts) and hints, one a message. */
import type { User } from "../model.ts";
import type { Broadcasts, NamedRoom, UserBroadcast } from "../ports/broadcasts.ts";
import { type Bus, channels } from "../ports/bus.ts";

const NOTHING = Buffer.from("{}");

/** What frames show of a user. */
export type ShownUser = Pick<User, "id" | "uuid" | "publicId" | "handle" | "displayName">;

/** A user as frames of the WebSocket protocol show them. */
export function shownUser({ id, uuid, publicId, handle, displayName }: ShownUser) {
  return { id: String(id), uuid, publicId, handle, name: displayName };
}

export function createBroadcasts(bus: Bus): Broadcasts {
  const publish = (channel: string, message: object) =>
    bus.publish(channel, Buffer.from(JSON.stringify(message)));
  const toRoom = ({ id, token }: NamedRoom, op: string, fields: object) =>
    publish(channels.room(id), { op, room: token, ...fields });
  const toUser = (id: number, message: UserBroadcast) => publish(channels.user(id), message);
  return {
    typing: (room, actor, on) => toRoom(room, "typing", { actor, on }),
    presence: (room, actor, lastPing, gone) => toRoom(room, "presence", { actor, lastPing, gone }),
    call(room, { flags, participants }) {
      const shown = participants.map((one) => ({ actor: one.actor, flags: one.flags }));
      toRoom(room, "call", { flags, participants: shown });
    },
    receipt: (room, actor, read, delivered) => toRoom(room, "receipt", { actor, read, delivered }),
    unread: ({ token }, userId, { read, unread, mention, head }, except = "") =>
      toUser(userId, {
        unread: { op: "unread", room: token, read, unread, mention, ...(head !== undefined && { head }) },
        except,
      }),
    settings: (userId, roomId, at) => toUser(userId, { hint: "settings", roomId, at }),
    connection: (userId, at) => toUser(userId, { hint: "connection", at }),
    renamed(user, roomIds) {
      for (const id of roomIds) publish(channels.room(id), { op: "user", user: shownUser(user) });
    },
    userChanged: (userId) => toUser(userId, { hint: "changed" }),
    signaling: (roomId) => bus.publish(channels.signaling(roomId), NOTHING),
  };
}
