/** Messenger's room and people, as its document spells them. */
import { z } from "@hono/zod-openapi";
import type { Chatroom, ChatroomPeople } from "../../domain/use-cases/chatrooms.ts";
import { pictureUrl } from "../../public-links.ts";
import { roomToken } from "../face/socket-names.ts";
import { ids, time } from "../requests/fields.ts";

const userIds = () => z.array(z.int().openapi({ format: "int64" }));

export const roomSchema = z
  .object({
    id: z.int().openapi({ format: "int64", description: "What {roomID} takes" }),
    token: z.string().openapi({ description: "As `room`" }),
    room: roomToken(),
    admins: userIds(),
    assignedUsers: userIds(),
    automationEnabled: z.boolean(),
    avatarURL: z.string().openapi({ description: "Absolute, readable without authentication; empty: none" }),
    eventID: z.int().openapi({ format: "int64", description: "0: none" }),
    matrixRoomID: z.string().nullable().openapi({ description: "null until the room exists in Matrix" }),
    moderators: userIds(),
    name: z.string(),
    organizationID: z.int().openapi({ format: "int64" }),
    scheduledDeletion: z.iso.datetime().nullable(),
    type: z.enum(["default", "custom", "event"]),
  })
  .openapi("Chatroom");
export type RoomBody = z.infer<typeof roomSchema>;

export const PREFIX = "/api/v1/chat";

/** @param baseUrl where clients reach this server */
export function roomBody({ room, ...people }: Chatroom, baseUrl: string): RoomBody {
  return {
    id: room.id,
    token: room.token,
    room: room.token,
    admins: people.admins,
    assignedUsers: people.assignedUsers,
    automationEnabled: room.automationEnabled,
    avatarURL: pictureUrl(room, baseUrl) ?? "",
    eventID: room.eventId ?? 0,
    matrixRoomID: room.matrixRoomId,
    moderators: people.moderators,
    name: room.name,
    organizationID: room.organizationId ?? 0,
    scheduledDeletion: time(room.scheduledDeletion),
    type: room.kind ?? "custom",
  };
}

/** The lists of people. Clients send null for a list that is not set. */
export const peopleFields = {
  admins: ids().nullish(),
  moderators: ids().nullish(),
  assignedUsers: ids().nullish(),
};

export function peopleOf(
  body: { [K in keyof ChatroomPeople]?: number[] | null | undefined },
): ChatroomPeople {
  const { admins, moderators, assignedUsers } = body;
  return {
    ...(admins && { admins }),
    ...(moderators && { moderators }),
    ...(assignedUsers && { assignedUsers }),
  };
}
