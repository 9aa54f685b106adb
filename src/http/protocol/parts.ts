/** What Protocol's operations share: finding objects by their ids, and shaping answers. */
import { badField, DomainError } from "../../domain/errors.ts";
import { type Actor, type Contact, type Room, type User, userActor } from "../../domain/model.ts";
import type { MessageView } from "../../domain/use-cases/messages.ts";
import type { RoomView } from "../../domain/use-cases/rooms.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import {
  type ConversationBody,
  conversationBody,
  type GroupBody,
  groupBody,
  type MessageBody,
  messageBody,
} from "./shapes.ts";

/** What an operation works with. `U` names the use cases that it asks. */
export interface ProtocolParts<U extends keyof UseCases = never> {
  useCases: Pick<UseCases, U>;
  /** Where clients reach this server. */
  publicUrl(): string;
}

/** A room that the caller is in. @throws DomainError `not_found` on `field` */
export async function roomOf(
  { useCases }: ProtocolParts<"finding">,
  actor: Actor,
  publicId: string,
  field: string,
): Promise<Room> {
  const found = await useCases.finding.locate(actor, { publicId });
  if (found?.membership) return found.room;
  throw new DomainError("not_found", `${field} names no conversation that you are in`, { field });
}

interface PageQuery {
  limit: number;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
}

/**
 * The domain's page of a list.
 * @param read the domain's cursor for an id; null for an invalid id
 */
export function pageOf<T>(
  { limit, starting_after, ending_before }: PageQuery,
  read: (id: string) => T | null,
): { limit: number; startingAfter?: T; endingBefore?: T } {
  if (starting_after !== undefined && ending_before !== undefined) {
    throw badField("starting_after", "and ending_before must not be given together");
  }
  const place = (field: string, id: string): T => {
    const found = read(id);
    if (found === null) throw badField(field, "names nothing in this list");
    return found;
  };
  return {
    limit,
    ...(starting_after !== undefined && { startingAfter: place("starting_after", starting_after) }),
    ...(ending_before !== undefined && { endingBefore: place("ending_before", ending_before) }),
  };
}

/** For lists in which the domain's cursors are this API's ids. */
export function asItIs(id: string): string {
  return id;
}

export async function conversationBodies(
  { useCases }: ProtocolParts<"pins">,
  rooms: readonly RoomView[],
): Promise<ConversationBody[]> {
  const pins = await useCases.pins.of(rooms.map(({ room, membership }) => ({ roomId: room.id, membership })));
  return rooms.map(({ room, membership, peer, head, waiting }) =>
    conversationBody({
      ...{ room, membership, peer },
      lastActiveAt: head.messages === 0 ? null : head.lastActivity,
      pinned: (!waiting && pins.get(room.id)) || null,
    }),
  );
}

export async function groupBodies(
  { useCases, publicUrl }: ProtocolParts<"contacts">,
  user: User,
  rooms: readonly RoomView[],
): Promise<GroupBody[]> {
  const others = (room: RoomView) =>
    room.people.flatMap((person) => (person.user && person.user.id !== user.id ? [person.user.id] : []));
  const ids = new Set(rooms.flatMap(others));
  const cards = await useCases.contacts.cards(userActor(user), [...ids]);
  return rooms.map((room) => {
    const contacts = others(room).flatMap((id) => cards.get(id) ?? ([] as Contact[]));
    return groupBody(room, contacts, publicUrl());
  });
}

export async function messageBodies(
  { useCases, publicUrl }: ProtocolParts<"contacts">,
  actor: Actor,
  messages: readonly MessageView[],
): Promise<MessageBody[]> {
  const ids = new Set(messages.flatMap(({ user }) => user?.id ?? []));
  const cards = await useCases.contacts.cards(actor, [...ids]);
  return messages.map((view) =>
    messageBody(view, view.user ? cards.get(view.user.id) : undefined, publicUrl()),
  );
}
