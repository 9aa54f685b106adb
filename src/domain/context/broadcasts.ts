/** Broadcasts over the bus: JSON frames of WebSocket protocol v1 (src/protocol/frames.ts) and hints, one a message. */
import { memberKey, type User } from "../model.ts";
import type { BridgeNews, Broadcasts, NamedRoom, OwnConnection, UserBroadcast } from "../ports/broadcasts.ts";
import { type Bus, channels } from "../ports/bus.ts";
import type { CallState } from "../ports/hot.ts";
import { callSessionId } from "./session-names.ts";

const NOTHING = Buffer.from("{}");

/** Where pictures are served without authentication: whoever knows the id may see one. */
const PICTURES = "/api/v1/chat/avatars";

/** What frames show of a user. */
export type ShownUser = Pick<
  User,
  "id" | "uuid" | "publicId" | "handle" | "displayName" | "avatarId" | "status"
>;

/** Where what is shown of users can be found. */
export interface Surroundings {
  /** Where clients reach this server; empty: pictures have a path of it. Called for each user. */
  publicUrl(): string;
  /** The id of a user's account in Matrix, made of the user's id; null without a homeserver. Called for each user. */
  matrixIdOf(userId: number): string | null;
}

/** A process that knows neither URL nor homeserver. */
export const NOWHERE: Surroundings = { publicUrl: () => "", matrixIdOf: () => null };

/** A user as frames of the WebSocket protocol show them. */
export function shownUser(
  { id, uuid, publicId, handle, displayName, avatarId, status }: ShownUser,
  { publicUrl, matrixIdOf }: Surroundings,
) {
  const matrix = matrixIdOf(id);
  return {
    ...{ id: String(id), uuid, publicId, handle, name: displayName },
    ...(avatarId !== null && { avatar: `${publicUrl()}${PICTURES}/${avatarId}` }),
    ...(status !== "" && { status }),
    ...(matrix !== null && { matrix }),
  };
}

/** A user as they see themselves. */
export function shownSelf(user: User, around: Surroundings) {
  const { email, receiptsFor: receipts, lastSeenFor: lastSeen } = user;
  return { ...shownUser(user, around), ...(email !== null && { email }), privacy: { receipts, lastSeen } };
}

/** [GW-17.18] How a user stands to another. Of who has not shown themselves to the user nothing is told but the ids. */
export function shownConnection(
  { to, known, status, message, room, updatedAt }: OwnConnection,
  around: Surroundings,
) {
  const { id, uuid, ...profile } = shownUser(to, around);
  return {
    ...{ user: { id, uuid, ...(known && profile) }, status },
    ...(message !== null && { message }),
    ...(room && { room: room.token }),
    at: updatedAt,
  };
}

/** [GW-9.1] A call as frames show it: its participants by the ids under which they are addressed. */
export function shownCall({ flags, participants }: CallState) {
  const shown = participants.map(({ session, actor, flags }) => ({
    ...{ session: callSessionId(session), actor, flags },
  }));
  return { flags, participants: shown };
}

export function createBroadcasts(bus: Bus, around: Surroundings): Broadcasts {
  const publish = (channel: string, message: object) =>
    bus.publish(channel, Buffer.from(JSON.stringify(message)));
  const toRoom = ({ id, token }: NamedRoom, op: string, fields: object) =>
    publish(channels.room(id), { op, room: token, ...fields });
  const toUser = (id: number, message: UserBroadcast) => publish(channels.user(id), message);
  const toBridges = (news: BridgeNews) => publish(channels.bridgeLive, news);
  return {
    typing(room, actor, on) {
      toBridges({ typing: [room.id, memberKey(actor), on] });
      toRoom(room, "typing", { actor, on });
    },
    presence(room, actor, lastPing, gone) {
      if (actor.kind === "user") toBridges({ looks: [room.id, Number(actor.id), !gone] });
      toRoom(room, "presence", { actor, lastPing, gone });
    },
    call: (room, state) => toRoom(room, "call", shownCall(state)),
    receipt: (room, actor, read, delivered, to) => toRoom(room, "receipt", { actor, read, delivered, to }),
    unread({ id, token }, userId, { read, unread, mention, head, thread, unreadMark }, except = "") {
      if (head === undefined && !thread && !unreadMark) toBridges({ read: [id, userId] });
      toUser(userId, {
        unread: {
          ...{ op: "unread" as const, room: token, read, unread, mention },
          ...(head !== undefined && { head }),
          ...(thread !== undefined && { thread }),
          ...(unreadMark && { unreadMark }),
        },
        roomId: id,
        except,
      });
    },
    hidden: ({ token: room }, userId, seq, no) =>
      toUser(userId, { frame: { op: "hidden", room, seqs: [seq], no } }),
    settings: (userId, roomId, at) => toUser(userId, { hint: "settings", roomId, at }),
    entry: (userId, roomId) => toUser(userId, { hint: "entry", roomId }),
    connection: (userId, at, side) =>
      toUser(userId, {
        hint: "connection",
        at,
        ...(side && { frame: { op: "connection", ...shownConnection(side, around) } }),
      }),
    renamed(user, roomIds) {
      toBridges({ profile: user.id });
      const frame = { op: "user", user: shownUser(user, around) };
      for (const id of roomIds) publish(channels.room(id), frame);
    },
    profile: (user) => toUser(user.id, { frame: { op: "user", user: shownSelf(user, around) } }),
    block: (userId, peerId, on) => toUser(userId, { frame: { op: "block", user: String(peerId), on } }),
    contact: (userId, peerId, on, name) =>
      toUser(userId, {
        frame: { op: "contact", user: String(peerId), on, ...(name !== null && { name }) },
      }),
    userChanged: (userId) => toUser(userId, { hint: "changed" }),
    signal: ({ token: room }, { session: only, actor }, said) =>
      toUser(Number(actor.id), { frame: { op: "signal", room, ...said }, only }),
    signaling: (roomId) => bus.publish(channels.signaling(roomId), NOTHING),
  };
}
