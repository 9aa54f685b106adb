/** Rooms as Talk shows them: to their members, and the little that strangers see of a public one. */
import { z } from "@hono/zod-openapi";
import type { Room } from "../../../domain/model.ts";
import { can } from "../../../domain/permissions.ts";
import type { ClientName, RoomPerson, RoomView } from "../../../domain/use-cases/rooms.ts";
import { roomToken } from "../../face/socket-names.ts";
import { ownSessionId } from "./clients.ts";
import { NOT_JOINED, notificationOf, PARTICIPANT_TYPE, ROOM_TYPE, seconds } from "./constants.ts";
import { type MessageBody, messageSchema } from "./message-shapes.ts";

const emptyList = z.array(z.unknown()).max(0);
const time = (description: string) =>
  z.int().openapi({ description: `Seconds since 1970 UTC; ${description}` });

const participantsSchema = z.record(
  z.string(),
  z.object({
    name: z.string(),
    type: z.int(),
    call: z.int(),
    sessionId: z.string(),
  }),
);

export const roomSchema = z
  .object({
    id: z.int(),
    token: z.string(),
    room: roomToken(),
    type: z.int().openapi({ description: "1 one-to-one, 2 group, 3 public" }),
    name: z.string(),
    displayName: z.string(),
    objectType: z.literal(""),
    objectId: z.literal(""),
    participantType: z.int().openapi({
      description: "1 owner, 2 moderator, 3 user, 4 guest, 5 self-joined, 6 guest moderator",
    }),
    participantInCall: z.boolean(),
    participantFlags: z.int().openapi({ description: "Bits: 1 in call, 2 audio, 4 video" }),
    readOnly: z.int().min(0).max(1),
    count: z.int().openapi({ description: "Active within 30 s" }),
    numGuests: z.int().openapi({ description: "Guests active within 100 s" }),
    guestList: z.literal(""),
    lastPing: time("of the caller"),
    sessionId: z.string().openapi({ description: '"0" when not connected, else 512 characters' }),
    hasPassword: z.boolean(),
    hasCall: z.boolean(),
    canStartCall: z.boolean(),
    lastActivity: time("of the last event"),
    isFavorite: z.boolean(),
    notificationLevel: z.int().min(1).max(3),
    lobbyState: z.int().min(0).max(1).optional(),
    lobbyTimer: time("0: opens by hand").optional(),
    unreadMessages: z.int(),
    unreadMention: z.boolean(),
    lastReadMessage: z.int(),
    lastMessage: z.union([messageSchema, emptyList]).openapi({ description: "An empty list: none" }),
    participants: z
      .union([participantsSchema, emptyList])
      .openapi({ description: "By user id; an empty list in the lobby" }),
  })
  .openapi("Room");
export type RoomBody = z.infer<typeof roomSchema>;

export function roomBody(
  view: RoomView,
  lastMessage: MessageBody | null,
  { client, now }: { client: ClientName | undefined; now: number },
): RoomBody {
  const { room, membership, head, me, call, waiting } = view;
  return {
    ...names(view),
    participantType: PARTICIPANT_TYPE[membership.role],
    participantInCall: me.callFlags > 0,
    participantFlags: me.callFlags,
    readOnly: room.readOnly ? 1 : 0,
    count: view.active,
    numGuests: view.activeGuests,
    guestList: "",
    lastPing: seconds(me.lastPing),
    sessionId: ownSessionId(me.sessions, client) ?? NOT_JOINED,
    hasPassword: room.passwordHash !== null,
    hasCall: call.flags > 0,
    canStartCall: can(membership, room, "call", now) === null,
    lastActivity: seconds(head.lastActivity),
    isFavorite: membership.favourite,
    notificationLevel: notificationOf(membership.notificationLevel, membership.role, room.type),
    ...lobbyOf(room, now),
    unreadMessages: waiting ? 0 : view.unread,
    unreadMention: !waiting && view.mentions > 0,
    lastReadMessage: membership.readSeq,
    lastMessage: (!waiting && lastMessage) || [],
    participants: waiting ? [] : participantsOf(view.people),
  };
}

/** [B.3] A one-to-one room is called as the other is: its name is their id. */
function names({ room, peer, people, me }: RoomView) {
  const { id, token, type, name } = room;
  const own = {
    id,
    token,
    room: token,
    type: ROOM_TYPE[type],
    objectType: "" as const,
    objectId: "" as const,
  };
  if (type === "one_to_one")
    return { ...own, name: peer?.handle ?? "", displayName: peer?.displayName ?? name };
  const others = people.filter((one) => one !== me && one.membership.member !== me.membership.member);
  const displayName =
    name ||
    others
      .map(({ actor }) => actor.name)
      .filter(Boolean)
      .join(", ");
  return { ...own, name, displayName };
}

/** A lobby whose time has come is open, whether or not it was swept already. */
function lobbyOf({ lobby, lobbyUntil }: Room, now: number) {
  const closed = lobby && (lobbyUntil === null || lobbyUntil > now);
  return { lobbyState: closed ? 1 : 0, lobbyTimer: closed && lobbyUntil !== null ? seconds(lobbyUntil) : 0 };
}

/** Users only: guests have no id to be named by. */
function participantsOf(people: readonly RoomPerson[]): z.infer<typeof participantsSchema> {
  return Object.fromEntries(
    people.flatMap(({ user, membership, callFlags, sessionId }) =>
      user === null
        ? []
        : [
            [
              user.handle,
              {
                name: user.displayName,
                type: PARTICIPANT_TYPE[membership.role],
                call: callFlags,
                sessionId: sessionId ?? NOT_JOINED,
              },
            ],
          ],
    ),
  );
}

/** [B.3] A public room for whoever has its token: there is one, and whether it takes a password. */
export function strangersBody({ id, token, type, passwordHash }: Room): RoomBody {
  return {
    ...{ id, token, room: token, type: ROOM_TYPE[type] },
    ...{ name: "", displayName: "", objectType: "", objectId: "" },
    participantType: PARTICIPANT_TYPE.guest,
    participantInCall: false,
    participantFlags: 0,
    readOnly: 0,
    count: 0,
    numGuests: 0,
    guestList: "",
    lastPing: 0,
    sessionId: NOT_JOINED,
    hasPassword: passwordHash !== null,
    hasCall: false,
    canStartCall: false,
    lastActivity: 0,
    isFavorite: false,
    notificationLevel: 3,
    unreadMessages: 0,
    unreadMention: false,
    lastReadMessage: 0,
    lastMessage: [],
    participants: [],
  };
}
