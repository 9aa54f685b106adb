/** Files and webhooks. See ../model.ts about ids and times. */

/** A file of a message, or one that waits to be sent. The port attachments.ts has its bytes. */
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

/** A file as it is in the data of a message. */
export type ShownAttachment = Omit<Attachment, "createdAt">;

export function shownAttachment({ id, filename, type, size }: ShownAttachment): ShownAttachment {
  return { id, filename, type, size };
}

/** The types of webhook events: an object of the Protocol API, and what happened to it. */
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

/** A URL to which an organization's webhook events are sent. The secret is shown only when it is created. */
export interface Webhook {
  id: number;
  organizationId: number;
  url: string;
  /** The types to send. Null: all. */
  events: WebhookType[] | null;
  createdAt: number;
}
