/** What Wire's operations share: finding caller and room, and shaping answers. */
import { DomainError } from "../../../domain/errors.ts";
import { type Actor, type Membership, type Room, type User, userActor } from "../../../domain/model.ts";
import { type Action, can } from "../../../domain/permissions.ts";
import type { RoomView } from "../../../domain/use-cases/rooms.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { HttpContext } from "../../face/face.ts";
import type { Happening } from "../shapes/events.ts";
import { WireRefusal, wireRefusal } from "../shapes/failures.ts";
import { createNames, type Names } from "../shapes/names.ts";
import { type ConversationBody, conversationBody, namesIn } from "../shapes/shapes.ts";
import { callingUser } from "./authentication.ts";

/** What an operation works with. `U` names the use cases that it asks. */
export interface WireParts<U extends keyof UseCases = never> {
  useCases: Pick<UseCases, U>;
  names: Names;
  /** Of qualified ids. */
  domain(): string;
  /** Where clients reach this server. */
  publicUrl(): string;
}

/** @param options `publicUrl` is where clients reach this server; its host name is the domain of qualified ids */
export function wireParts<U extends keyof UseCases>(
  options: Pick<WireParts<U | "lookup">, "useCases"> & { publicUrl: () => string },
): WireParts<U | "lookup"> {
  const { useCases, publicUrl } = options;
  const names = createNames(useCases.lookup);
  return { useCases, names, publicUrl, domain: () => new URL(publicUrl()).hostname };
}

export interface Caller {
  user: User;
  actor: Actor;
}

export function callerOf(c: HttpContext): Caller {
  const user = callingUser(c);
  return { user, actor: userActor(user) };
}

/** Rooms as one of their members sees them, in Wire's shape. */
export async function shapeAll(
  { useCases, names, domain }: Pick<WireParts<"connections">, "useCases" | "names" | "domain">,
  { user, actor }: Caller,
  views: readonly RoomView[],
): Promise<ConversationBody[]> {
  const pairs = views.filter(({ room: conversation }) => conversation.type === "one_to_one");
  const [known, waiting] = await Promise.all([
    names(namesIn(views)),
    useCases.connections.waiting(
      actor,
      pairs.map(({ room }) => room.id),
    ),
  ]);
  const shaping = { known, waiting, self: user.uuid, domain: domain() };
  return views.map((view) => conversationBody(view, shaping));
}

export interface Place {
  conversation: Room;
  me: Membership;
}

/** The room of this UUID, for a member. @throws WireRefusal `no-conversation` to everybody else */
export async function placeOf(
  { useCases }: WireParts<"finding">,
  { actor }: Caller,
  uuid: string,
): Promise<Place> {
  const found = await useCases.finding.locate(actor, { uuid });
  if (!found?.membership) throw wireRefusal("noConversation");
  return { conversation: found.room, me: found.membership };
}

/** Wire's names of the actions that a role may lack. */
const ACTION_NAMES = {
  add_members: "add_conversation_member",
  remove_members: "remove_conversation_member",
  rename: "modify_conversation_name",
  message_timer: "modify_conversation_message_timer",
  receipt_mode: "modify_conversation_receipt_mode",
  access: "modify_conversation_access",
  set_roles: "modify_other_conversation_member",
  leave: "leave_conversation",
  delete_room: "delete_conversation",
} as const satisfies Partial<Record<Action, string>>;
type WireAction = keyof typeof ACTION_NAMES;

/** What each of Wire's roles may do, in its words. */
export const ROLE_ACTIONS = {
  wire_admin: Object.values(ACTION_NAMES),
  wire_member: [ACTION_NAMES.leave],
};

/** Checks the role before anything else, because in Wire that refusal comes first. */
export function requireAction(
  { useCases }: Pick<WireParts<"clock">, "useCases">,
  { conversation, me }: Place,
  action: WireAction,
): void {
  const verdict = can(me, conversation, action, useCases.clock.now());
  if (verdict === "bad_request") throw wireRefusal("invalidOperation");
  if (verdict !== null)
    throw new WireRefusal(
      403,
      "action-denied",
      `Insufficient authorization (missing ${ACTION_NAMES[action]})`,
    );
}

/**
 * Author, place and time of the caller's act, for the event in its answer.
 * @param event the logged event; only a time (ms) where nothing changed
 */
export function doing(
  { domain }: WireParts,
  { user }: Caller,
  room: Pick<Room, "uuid" | "token">,
  { at, seq }: { at: number; seq?: number },
): Happening {
  return { room, seq, from: user.uuid, at, domain: domain() };
}

export function unlessNotFound(error: unknown): null {
  if (error instanceof DomainError && error.code === "not_found") return null;
  throw error;
}
