/** Wire's conversation and its members, as its clients read them (reference §A.3). */
import { z } from "@hono/zod-openapi";
import { type Membership, peerIn, type Role, type Room, type SettingsData } from "../../../domain/model.ts";
import { isModerator } from "../../../domain/permissions.ts";
import type { RoomView } from "../../../domain/use-cases/rooms.ts";
import { roomToken } from "../../face/socket-names.ts";
import { oneOf } from "../../requests/fields.ts";
import { NIL_UUID, type QualifiedId, qualified } from "./kinds.ts";
import { creatorOf, type Known, type Wanted } from "./names.ts";

export const ROLES = ["wire_admin", "wire_member"] as const;
export type WireRole = (typeof ROLES)[number];
export const ACCESS = ["private", "invite", "link", "code"] as const;
export const ACCESS_ROLES = ["private", "team", "activated", "non_activated"] as const;

/** A constant that old clients expect. */
const NO_EVENT = "0.0";
const NO_TIME = "1970-01-01T00:00:00.000Z";

export const memberSchema = z
  .object({
    id: z.uuid(),
    service: z.null(),
    conversation_role: oneOf(ROLES),
    otr_muted_status: z.int().nullable(),
    otr_muted_ref: z.string().nullable(),
    otr_archived: z.boolean(),
    otr_archived_ref: z.string().nullable(),
    hidden: z.boolean(),
    hidden_ref: z.string().nullable(),
    status: z.literal(0),
    status_ref: z.literal(NO_EVENT),
    status_time: z.literal(NO_TIME),
  })
  .openapi("Member");

export const conversationSchema = z
  .object({
    id: z.uuid(),
    qualified_id: qualified(),
    room: roomToken(),
    type: z
      .int()
      .openapi({ description: "0 group, 1 self, 2 one-to-one, 3 waiting for the other to accept" }),
    creator: z.uuid().openapi({
      description: "The nil UUID when no user made it, and for the others who wait in the lobby",
    }),
    access: z.array(oneOf(ACCESS)),
    access_role: oneOf(ACCESS_ROLES),
    name: z.string().nullable(),
    team: z.uuid().nullable(),
    message_timer: z.int().nullable().openapi({ format: "int64", description: "Milliseconds" }),
    receipt_mode: z.int().nullable().openapi({ format: "int32" }),
    last_event: z.literal(NO_EVENT),
    last_event_time: z.literal(NO_TIME),
    members: z.object({
      self: memberSchema,
      others: z.array(
        z.object({
          id: z.uuid(),
          qualified_id: qualified(),
          conversation_role: oneOf(ROLES),
          status: z.literal(0),
        }),
      ),
    }),
  })
  .openapi("Conversation");
export type ConversationBody = z.infer<typeof conversationSchema>;

export function wireRole(role: Role): WireRole {
  return isModerator(role) ? "wire_admin" : "wire_member";
}

/** The domain's role for Wire's. */
export function roleOf(role: WireRole): Role {
  return role === "wire_admin" ? "moderator" : "user";
}

export function memberBody(uuid: string, me: Membership): z.infer<typeof memberSchema> {
  return {
    id: uuid,
    service: null,
    conversation_role: wireRole(me.role),
    ...settingsBody(me),
    status: 0,
    status_ref: NO_EVENT,
    status_time: NO_TIME,
  };
}

/** A member's own settings. */
export function settingsBody(me: SettingsData) {
  return {
    otr_muted_status: me.mutedStatus,
    otr_muted_ref: me.mutedRef,
    otr_archived: me.archivedAt !== null,
    otr_archived_ref: me.archivedRef,
    hidden: me.hidden,
    hidden_ref: me.hiddenRef,
  };
}

/** The UUIDs that {@link conversationBody} needs. */
export function namesIn(views: readonly RoomView[]): Wanted {
  return {
    users: views.map(({ room: conversation }) => creatorOf(conversation.createdBy)),
    organizations: views.map(({ room }) => room.organizationId),
  };
}

export interface Shaping {
  known: Known;
  /** The caller's UUID. */
  self: string;
  domain: string;
  /** One-to-one rooms (ids) that wait for an accepted connection. */
  waiting: ReadonlySet<number>;
}

/** Wire's conversation. Its members are accounts only, so guests and Matrix users are left out. */
export function conversationBody(view: RoomView, shaping: Shaping): ConversationBody {
  const { room: conversation, me, people, waiting } = view;
  const { known, self, domain } = shaping;
  const others = people.flatMap(({ user, membership }) => {
    if (user === null || membership.member === me.membership.member) return [];
    const role = wireRole(membership.role);
    return [
      { id: user.uuid, qualified_id: { id: user.uuid, domain }, conversation_role: role, status: 0 as const },
    ];
  });
  // A member who waits in the lobby sees no other member.
  const showsCreator = !waiting || conversation.createdBy === me.membership.member;
  return {
    id: conversation.uuid,
    qualified_id: { id: conversation.uuid, domain } satisfies QualifiedId,
    room: conversation.token,
    type: typeOf(conversation, me.membership, shaping.waiting),
    creator: showsCreator ? known.person(creatorOf(conversation.createdBy)) : NIL_UUID,
    access: conversation.access as ConversationBody["access"],
    access_role: conversation.accessRole as ConversationBody["access_role"],
    name: conversation.name === "" ? null : conversation.name,
    team: known.organization(conversation.organizationId),
    message_timer: conversation.messageTimer,
    receipt_mode: conversation.receiptMode,
    last_event: NO_EVENT,
    last_event_time: NO_TIME,
    members: { self: memberBody(self, me.membership), others },
  };
}

function typeOf({ id, type, pair }: Room, { member }: Membership, waiting: ReadonlySet<number>): number {
  if (type !== "one_to_one") return 0;
  if (pair !== null && peerIn(pair, member) === member) return 1;
  return waiting.has(id) ? 3 : 2;
}
