/**
 * Shapes the domain's answers as Protocol's objects. Pure functions for the operations and for webhooks. Times are whole
 * unix seconds, or null.
 */
import { z } from "@hono/zod-openapi";
import { protocolMessageId } from "../../domain/ids.ts";
import type { Contact, Membership, Room, User } from "../../domain/model.ts";
import type { AttachmentView } from "../../domain/use-cases/files.ts";
import type { MessageView, Reaction } from "../../domain/use-cases/messages.ts";
import { pictureUrl, publicLink } from "../../public-links.ts";
import { roomToken, seqInRoom } from "../face/socket-names.ts";

const id = () => z.string().openapi({ example: "xgQQXg3hrtjh7AvZ" });
const time = () => z.int().openapi({ format: "int64", description: "Unix seconds" });

export const contactSchema = z
  .object({
    id: id(),
    username: z.string(),
    phone_number: z.string().nullable(),
    avatar_url: z.string().nullable(),
    display_name: z.string().nullable(),
    conversation_id: id().nullable(),
    room: roomToken().nullable(),
    last_active_at: time().nullable(),
    created_at: time(),
  })
  .openapi("Contact");
export type ContactBody = z.infer<typeof contactSchema>;

export const conversationSchema = z
  .object({
    id: id(),
    contact_id: id().nullable(),
    group_id: id().nullable(),
    pinned_message_id: id().nullable(),
    room: roomToken(),
    pinned_seq: seqInRoom()
      .nullable()
      .openapi({ description: "The seq of the pinned message on the WebSocket" }),
    is_pinned: z.boolean(),
    is_muted: z.boolean(),
    last_active_at: time().nullable(),
    last_opened_at: time().nullable(),
    created_at: time(),
    archived_at: time().nullable(),
  })
  .openapi("Conversation");
export type ConversationBody = z.infer<typeof conversationSchema>;

export const groupSchema = z
  .object({
    id: id(),
    name: z.string(),
    description: z.string().nullable(),
    avatar_url: z.string().nullable(),
    conversation_id: id(),
    room: roomToken(),
    contacts: z.array(contactSchema).openapi({ description: "The other members" }),
    created_at: time(),
    archived_at: time().nullable(),
  })
  .openapi("Group");
export type GroupBody = z.infer<typeof groupSchema>;

export const attachmentSchema = z
  .object({
    id: id(),
    message_id: id().nullable().openapi({ description: "null until a message has it" }),
    room: roomToken().nullable(),
    seq: seqInRoom().nullable(),
    filename: z.string(),
    file_url: z.url().openapi({ description: "Opens with the caller's Authorization" }),
    file_type: z.string().openapi({ description: "The media type" }),
    file_size: z.int().openapi({ description: "Bytes" }),
    created_at: time(),
  })
  .openapi("Attachment");
export type AttachmentBody = z.infer<typeof attachmentSchema>;

export const messageSchema = z
  .object({
    id: id(),
    conversation_id: id(),
    room: roomToken(),
    seq: seqInRoom(),
    contact: contactSchema
      .omit({ display_name: true, conversation_id: true, room: true })
      .extend({ id: id().nullable(), created_at: time().nullable() })
      .openapi("Sender", { description: "Who sent it; id is null for guests and Matrix users" }),
    message: z.string(),
    reactions: z.array(z.record(z.string(), z.array(z.string()))),
    attachments: z.array(attachmentSchema),
    read_at: time().nullable().openapi({ description: "When another member read it" }),
    created_at: time(),
    updated_at: time().nullable(),
  })
  .openapi("Message");
export type MessageBody = z.infer<typeof messageSchema>;

export function contactBody(contact: Contact): ContactBody {
  const { user, phoneNumber, avatarUrl, displayName, room: conversation, lastActiveAt, createdAt } = contact;
  return {
    id: user.publicId,
    username: user.handle,
    phone_number: phoneNumber,
    avatar_url: avatarUrl,
    display_name: displayName,
    conversation_id: conversation?.publicId ?? null,
    room: conversation?.token ?? null,
    last_active_at: seconds(lastActiveAt),
    created_at: seconds(createdAt),
  };
}

/** A room as one of its members sees it. */
export interface ShownRoom {
  room: Room;
  /** The viewer's membership. Null for no particular viewer: the settings then have their defaults. */
  membership: Membership | null;
  /** The other user of a one-to-one room; null when they were deleted. */
  peer: Pick<User, "publicId"> | null;
  /** Time of the last event, ms; null before the first message. */
  lastActiveAt: number | null;
  /** The seq of the pinned message. */
  pinned: number | null;
}

export function conversationBody({ room, membership, ...shown }: ShownRoom): ConversationBody {
  const { id, publicId, token, type, createdAt } = room;
  // A pinned message from before the member's history is not shown.
  const pinned = (shown.pinned ?? 0) > (membership?.historyFrom ?? 0) ? shown.pinned : null;
  return {
    id: publicId,
    contact_id: type === "one_to_one" ? (shown.peer?.publicId ?? null) : null,
    group_id: type === "one_to_one" ? null : publicId,
    pinned_message_id: pinned === null ? null : protocolMessageId({ roomId: id, seq: pinned }),
    room: token,
    pinned_seq: pinned,
    is_pinned: membership?.pinned ?? false,
    is_muted: membership?.muted ?? false,
    last_active_at: seconds(shown.lastActiveAt),
    last_opened_at: seconds(membership?.lastOpenedAt ?? null),
    created_at: seconds(createdAt),
    archived_at: seconds(membership?.archivedAt ?? null),
  };
}

/**
 * @param contacts the other members who have an account
 * @param baseUrl where clients reach this server
 */
export function groupBody(
  { room, membership }: Pick<ShownRoom, "room" | "membership">,
  contacts: readonly Contact[],
  baseUrl: string,
): GroupBody {
  const { publicId, token, name, description, createdAt } = room;
  return {
    id: publicId,
    name,
    description,
    avatar_url: pictureUrl(room, baseUrl),
    conversation_id: publicId,
    room: token,
    contacts: contacts.map(contactBody),
    created_at: seconds(createdAt),
    archived_at: seconds(membership?.archivedAt ?? null),
  };
}

/**
 * @param sender the card of the author's account; undefined for guests, Matrix users, and deleted users
 * @param baseUrl where clients reach this server
 */
export function messageBody(view: MessageView, sender: Contact | undefined, baseUrl: string): MessageBody {
  return {
    id: protocolMessageId(view),
    conversation_id: view.roomPublicId,
    room: view.room,
    seq: view.seq,
    contact: senderBody(view, sender),
    message: view.text,
    reactions: view.reactions.map(reactionBody),
    attachments: view.attachments.map((file) =>
      attachmentBody({ ...file, place: view, room: view.room }, baseUrl),
    ),
    read_at: seconds(view.readAt),
    created_at: seconds(view.at),
    updated_at: seconds(view.updatedAt),
  };
}

function senderBody({ author }: MessageView, sender: Contact | undefined): MessageBody["contact"] {
  if (!sender) {
    const unknown = { phone_number: null, avatar_url: null, last_active_at: null, created_at: null };
    return { id: null, username: author.name, ...unknown };
  }
  const { display_name: _, conversation_id: __, room: ___, ...shown } = contactBody(sender);
  return shown;
}

function reactionBody({ name, by }: Reaction): Record<string, string[]> {
  return { [name]: by.map(({ handle, actor }) => handle ?? actor.name) };
}

/** @param baseUrl where clients reach this server */
export function attachmentBody(file: AttachmentView, baseUrl: string): AttachmentBody {
  return {
    id: file.id,
    message_id: file.place && protocolMessageId(file.place),
    room: file.place && file.room,
    seq: file.place?.seq ?? null,
    filename: file.filename,
    file_url: publicLink(baseUrl, `/v1/attachments/${file.id}/file`),
    file_type: file.type,
    file_size: file.size,
    created_at: seconds(file.createdAt),
  };
}

function seconds<T extends number | null>(ms: T): T extends null ? null : number;
function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.floor(ms / 1_000);
}
