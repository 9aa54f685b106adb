/** Wire's events (reference §A.5): what changed a conversation, in the envelope that its clients read. */
import { z } from "@hono/zod-openapi";
import type { ConnectionData, EventData, Role, RoomNames } from "../../../domain/model.ts";
import { roomToken, seqInRoom } from "../../face/socket-names.ts";
import { oneOf } from "../../requests/fields.ts";
import { type ConnectionBody, connectionSchema } from "./connection-shapes.ts";
import type { CodeBody } from "./guest-link-shapes.ts";
import { qualified } from "./kinds.ts";
import { type ConversationBody, type settingsBody, type WireRole, wireRole } from "./shapes.ts";

/** `data` of each type of event. */
interface Data {
  "conversation.create": ConversationBody;
  "conversation.delete": null;
  "conversation.member-join": ReturnType<typeof joined>;
  "conversation.member-leave": ReturnType<typeof left>;
  "conversation.member-update": ReturnType<typeof target> &
    ({ conversation_role: WireRole } | ReturnType<typeof settingsBody>);
  "conversation.rename": { name: string };
  "conversation.receipt-mode-update": { receipt_mode: number };
  "conversation.message-timer-update": { message_timer: number | null };
  "conversation.access-update": { access: string[]; access_role: string };
  "conversation.code-update": CodeBody;
  "conversation.code-delete": null;
  "conversation.connect-request": ReturnType<typeof asked>;
  "conversation.typing": { status: "started" | "stopped" };
}
type WireEventType = keyof Data;

const TYPES = [
  "conversation.create",
  "conversation.delete",
  "conversation.member-join",
  "conversation.member-leave",
  "conversation.member-update",
  "conversation.rename",
  "conversation.receipt-mode-update",
  "conversation.message-timer-update",
  "conversation.access-update",
  "conversation.code-update",
  "conversation.code-delete",
  "conversation.connect-request",
  "conversation.typing",
] as const satisfies readonly WireEventType[];

export const eventSchema = z
  .object({
    type: oneOf(TYPES),
    conversation: z.uuid(),
    qualified_conversation: qualified(),
    room: roomToken().optional().openapi({ description: "Missing where the room was deleted long ago" }),
    seq: seqInRoom().optional().openapi({
      description:
        "Where the room's log on the WebSocket has what happened; the last of several. Missing for typing and one's own settings",
    }),
    from: z.uuid().openapi({ description: "The nil UUID when it was no user" }),
    qualified_from: qualified(),
    time: z.iso.datetime(),
    data: z.any().openapi({
      description: "As the type has it; null for conversation.delete and conversation.code-delete",
    }),
  })
  .openapi("Event");
export type WireEvent = z.infer<typeof eventSchema>;

export const connectionEventSchema = z
  .object({
    type: z.literal("user.connection"),
    connection: connectionSchema,
    user: z.object({ name: z.string() }).openapi({ description: "The other" }),
  })
  .openapi("ConnectionEvent");
export type ConnectionEvent = z.infer<typeof connectionEventSchema>;

/** The events in the payload of a notification. */
export const notificationEventSchema = z.union([eventSchema, connectionEventSchema]);
export type NotificationEvent = WireEvent | ConnectionEvent;

/** Room, time and author of an event. */
export interface Happening {
  room: RoomNames;
  /** Of the logged event, where there is one. */
  seq?: number | undefined;
  /** UUID. */
  from: string;
  /** ms */
  at: number;
  domain: string;
}

export function wireEvent<T extends WireEventType>(
  type: T,
  { room: { uuid, token }, seq, from, at, domain }: Happening,
  data: Data[T],
): WireEvent {
  return {
    type,
    conversation: uuid,
    qualified_conversation: { id: uuid, domain },
    ...(token !== null && { room: token }),
    ...(seq !== undefined && { seq }),
    from,
    qualified_from: { id: from, domain },
    time: new Date(at).toISOString(),
    data,
  };
}

export function joined(people: readonly { id: string; role: Role }[], domain: string) {
  return {
    users: people.map(({ id, role }) => ({
      id,
      qualified_id: { id, domain },
      conversation_role: wireRole(role),
    })),
    user_ids: people.map(({ id }) => id),
  };
}

export function left(ids: readonly string[], domain: string) {
  return { user_ids: [...ids], qualified_user_ids: ids.map((id) => ({ id, domain })) };
}

export function target(id: string, domain: string) {
  return { target: id, qualified_target: { id, domain } };
}

/** The event of a conversation that waits for this user to accept the connection. */
export function asked({ to, name, message }: ConnectionData, domain: string) {
  return { recipient: to, qualified_recipient: { id: to, domain }, name, message, email: null };
}

export function connectionEvent(connection: ConnectionBody, name: string): ConnectionEvent {
  return { type: "user.connection", connection, user: { name } };
}

/**
 * Wire's events for a change of a room's settings: one for each setting that its clients know.
 * @param code the present guest link; without it a new link makes no event
 */
export function settingEvents(
  changed: EventData["room.changed"],
  where: Happening,
  code: CodeBody | null = null,
): WireEvent[] {
  const { name, receiptMode, messageTimer, access, accessRole, guestLink } = changed;
  return [
    ...(guestLink && code ? [wireEvent("conversation.code-update", where, code)] : []),
    ...(guestLink === false ? [wireEvent("conversation.code-delete", where, null)] : []),
    ...(name !== undefined ? [wireEvent("conversation.rename", where, { name })] : []),
    ...(typeof receiptMode === "number"
      ? [wireEvent("conversation.receipt-mode-update", where, { receipt_mode: receiptMode })]
      : []),
    ...(messageTimer !== undefined
      ? [wireEvent("conversation.message-timer-update", where, { message_timer: messageTimer })]
      : []),
    ...(access !== undefined && accessRole !== undefined
      ? [wireEvent("conversation.access-update", where, { access, access_role: accessRole })]
      : []),
  ];
}
