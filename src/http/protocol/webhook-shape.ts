/** [D.3] The objects of webhooks' payloads: those of the Protocol API, as the webhook's viewer sees them. */
import { DomainError } from "../../domain/errors.ts";
import {
  actorOf,
  type Contact,
  peerIn,
  type Room,
  SYSTEM_ACTOR,
  type User,
  userActor,
  userKey,
} from "../../domain/model.ts";
import type { WebhookNews, WebhookShape } from "../../domain/ports/webhooks.ts";
import type { MessageView } from "../../domain/use-cases/messages.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import { attachmentBody, contactBody, conversationBody, groupBody, messageBody } from "./shapes.ts";

export interface WebhookShapeOptions {
  useCases: Pick<UseCases, "timeline" | "contacts" | "lookup">;
  /** The server's public URL; empty until it is known. */
  publicUrl(): string;
}

type RoomNews = Extract<WebhookNews, { people: unknown }>;
type MessageNews = Extract<WebhookNews, { event: unknown }>;

export function webhookShape({ useCases, publicUrl }: WebhookShapeOptions): WebhookShape {
  /** The viewer's contacts for ids of users. */
  async function cards(viewer: User | null, userIds: readonly number[]): Promise<Contact[]> {
    const found = await useCases.contacts.cards(viewer ? userActor(viewer) : SYSTEM_ACTOR, userIds);
    return userIds.flatMap((id) => found.get(id) ?? ([] as Contact[]));
  }

  /** The other user of a one-to-one room, also when they left it. */
  async function peerOf({ pair }: Room, viewer: User | null): Promise<User | null> {
    if (pair === null || viewer === null) return null;
    const peer = actorOf(peerIn(pair, userKey(viewer.id)), "");
    if (peer.kind !== "user") return null;
    const id = Number(peer.id);
    return (await useCases.lookup.users([id])).get(id) ?? null;
  }

  async function conversation({ viewer, people, room: conversation, lastActivity, pinned }: RoomNews) {
    const membership = membershipOf(people, viewer);
    const peer = await peerOf(conversation, viewer);
    return conversationBody({ room: conversation, membership, peer, lastActiveAt: lastActivity, pinned });
  }

  async function group({ viewer, people, room: conversation }: RoomNews, baseUrl: string) {
    const others = people.flatMap(({ user }) => (user && user.id !== viewer?.id ? [user.id] : []));
    const membership = membershipOf(people, viewer);
    return groupBody({ room: conversation, membership }, await cards(viewer, others), baseUrl);
  }

  async function message(news: MessageNews, baseUrl: string) {
    const { viewer, event, place } = news;
    const found = await useCases.timeline.snapshot(place);
    // When the room was deleted, its log remains for a moment.
    const view = found ? { ...found, roomPublicId: news.room.publicId } : deletedMessage(news);
    const author = event.actor.kind === "user" ? [Number(event.actor.id)] : [];
    const [sender] = await cards(viewer, author);
    return messageBody(view, sender, baseUrl);
  }

  return async (news) => {
    const baseUrl = publicUrl();
    if (baseUrl === "") throw new DomainError("unavailable", "The server does not serve yet");
    switch (news.type) {
      case "contact.created":
      case "contact.updated":
      case "contact.deleted":
        return contactBody(news.contact);
      case "conversation.created":
      case "conversation.updated":
      case "conversation.deleted":
        return await conversation(news);
      case "group.created":
      case "group.updated":
      case "group.deleted":
        return await group(news, baseUrl);
      case "message.created":
      case "message.updated":
      case "message.deleted":
        return await message(news, baseUrl);
      case "attachment.created":
      case "attachment.updated":
      case "attachment.deleted":
        return attachmentBody({ ...news.attachment, place: news.place }, baseUrl);
    }
  };
}

function membershipOf(people: RoomNews["people"], viewer: User | null) {
  return people.find(({ user }) => user !== null && user.id === viewer?.id)?.membership ?? null;
}

/** The view of a deleted message, without content. */
function deletedMessage({ room: conversation, place, event }: MessageNews): MessageView {
  return {
    ...place,
    room: event.room,
    roomPublicId: conversation.publicId,
    id: event.id,
    author: event.actor,
    user: null,
    at: event.at,
    text: "",
    mentions: [],
    parent: null,
    reactions: [],
    attachments: [],
    readAt: null,
    updatedAt: null,
  };
}
