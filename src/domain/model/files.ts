/** What a file and a webhook are. See ../model.ts for the words about ids and times. */

/** A file that belongs to a message, or is about to. Its bytes are kept elsewhere (ports/attachments.ts). */
export interface Attachment {
  /** 16 characters `[A-Za-z0-9]`. */
  id: string;
  filename: string;
  /** The media type. */
  type: string;
  /** Bytes. */
  size: number;
  createdAt: number;
}

/** A file as a message's event tells of it. */
export type ShownAttachment = Omit<Attachment, "createdAt">;

export function shownAttachment({ id, filename, type, size }: ShownAttachment): ShownAttachment {
  return { id, filename, type, size };
}

/** What webhooks tell: Protocol's objects and what became of them. */
export const WEBHOOK_TYPES = [
  "contact.created",
  "contact.updated",
  "contact.deleted",
  "conversation.created",
  "conversation.updated",
  "conversation.deleted",
  "message.created",
  "message.updated",
  "message.deleted",
  "group.created",
  "group.updated",
  "group.deleted",
  "attachment.created",
  "attachment.updated",
  "attachment.deleted",
] as const;
export type WebhookType = (typeof WEBHOOK_TYPES)[number];

/** Where an organization wants to be told what its people do. The secret is never shown again. */
export interface Webhook {
  id: number;
  organizationId: number;
  url: string;
  /** Null: all. */
  events: WebhookType[] | null;
  createdAt: number;
}
