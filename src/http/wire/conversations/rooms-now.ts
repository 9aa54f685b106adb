/** Present views of rooms for a member: notifications contain them beside the events. */
import {
  actorOf,
  type ConnectionData,
  peerIn,
  type User,
  userActor,
  userKey,
} from "../../../domain/model.ts";
import { linkOf } from "../../../domain/rooms/guest-links.ts";
import type { RoomView } from "../../../domain/use-cases/rooms.ts";
import { type Caller, shapeAll, unlessNotFound, type WireParts } from "../common/parts.ts";
import { type CodeBody, codeBody } from "../shapes/guest-link-shapes.ts";
import type { ConversationBody } from "../shapes/shapes.ts";

export interface RoomMade {
  conversation: ConversationBody;
  /** The connection that the room waits for. */
  waitsFor: ConnectionData | null;
  /** Whether the user waits in its lobby. */
  inLobby: boolean;
}

/** Wire's type of a one-to-one conversation that waits for the other to accept. */
const CONNECT = 3;

/** Conversations by UUID, without rooms that the user has left. */
export async function roomsMade(
  parts: WireParts<"connections" | "finding" | "profiles">,
  user: User,
  uuids: string[],
): Promise<Map<string, RoomMade>> {
  if (uuids.length === 0) return new Map();
  const caller = { user, actor: userActor(user) };
  const { rooms } = await parts.useCases.finding.page(caller.actor, { uuids });
  const bodies = await shapeAll(parts, caller, rooms);
  const made = await Promise.all(
    bodies.map(async (conversation, i) => {
      const { waiting: inLobby, room } = rooms[i] as RoomView;
      const waitsFor =
        conversation.type === CONNECT ? await connectionOf(parts, caller, room.pair ?? "") : null;
      return [conversation.id, { conversation, waitsFor, inLobby }] as const;
    }),
  );
  return new Map(made);
}

/** The connection; null when the request was withdrawn. */
async function connectionOf(
  { names, useCases }: WireParts<"connections" | "profiles">,
  { actor, user }: Caller,
  pair: string,
): Promise<ConnectionData | null> {
  const peer = actorOf(peerIn(pair, userKey(user.id)), "");
  const to = (await names({ users: [peer] })).person(peer);
  const found = await useCases.connections.get(actor, to).catch(unlessNotFound);
  if (!found) return null;
  const { status, message } = found;
  const [known] = await useCases.profiles.named(actor, { uuids: [to] });
  return { to, name: known?.user.displayName ?? "", status, message, room: null };
}

/** The guest links of rooms (ids) that the user is in. */
export async function codesOf(
  { useCases, publicUrl }: WireParts<"finding">,
  user: User,
  roomIds: readonly number[],
): Promise<Map<number, CodeBody>> {
  const codes = new Map<number, CodeBody>();
  for (const id of new Set(roomIds)) {
    const found = await useCases.finding.locate(userActor(user), { id });
    const link = found?.membership ? linkOf(found.room) : null;
    if (link) codes.set(id, codeBody(link, publicUrl()));
  }
  return codes;
}
