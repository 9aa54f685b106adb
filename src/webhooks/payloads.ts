/**
 * Payloads of deliveries. Payloads of rooms and contacts are made once and stored. Payloads with texts of messages or names
 * of files are made for each attempt, so that a receiver never gets a text that was deleted while it was away.
 */

import { DomainError } from "../domain/errors.ts";
import type { EventData, WebhookType } from "../domain/model.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { DeliveryAbout, NewDelivery } from "../domain/ports/store/webhooks.ts";
import type { WebhookNews, WebhookShape } from "../domain/ports/webhooks.ts";
import type { Logger } from "../logger.ts";

export interface PayloadsOptions {
  store: Pick<Store, "messages" | "users">;
  shape: WebhookShape;
  logger: Pick<Logger, "error">;
}

export interface Payloads {
  /** The delivery to store; null when there is nothing to send. */
  keep(eventId: string, news: WebhookNews): Promise<NewDelivery | null>;
  /** The raw payload; null when its object is gone. */
  bodyOf(delivery: NewDelivery): Promise<string | null>;
}

type MessageType = Extract<WebhookType, `message.${string}`>;
type AttachmentType = Extract<WebhookType, `attachment.${string}`>;

const DELETED = JSON.stringify({ text: "", deleted: true } satisfies EventData["message"]);

export function createPayloads({ store, shape, logger }: PayloadsOptions): Payloads {
  const { messages, users } = store;

  /** The payload as JSON. A defect gives null, so that it does not hold up the other deliveries. */
  async function made(eventId: string, news: WebhookNews): Promise<string | null> {
    try {
      const payload = await shape(news);
      return payload && JSON.stringify({ id: eventId, type: news.type, payload });
    } catch (error) {
      if (error instanceof DomainError && error.retry) throw error;
      logger.error(
        { event: "webhook.payload_failed", err: error, type: news.type, eventId },
        "could not make a webhook's payload; the delivery is left out",
      );
      return null;
    }
  }

  /** The news of a stored delivery, with its object read again; null when the object is gone. */
  async function newsOf(type: WebhookType, about: DeliveryAbout): Promise<WebhookNews | null> {
    const viewer = about.viewer === null ? null : await users.byId(about.viewer);
    if ("attachment" in about) {
      const attachment = await messages.attachmentPlace(about.attachment);
      return attachment && { type: type as AttachmentType, viewer, attachment, place: about.place };
    }
    const { room, event: gone } = about;
    const place = { roomId: room.id, seq: gone.seq };
    const [event = gone] = await messages.at([place]);
    return { type: type as MessageType, viewer, room, place, event };
  }

  /** The part of the news that is stored in place of a payload; null where nothing in it can be deleted later. */
  function aboutOf(news: WebhookNews): DeliveryAbout | null {
    const viewer = news.viewer?.id ?? null;
    if ("attachment" in news) return { viewer, attachment: news.attachment.id, place: news.place };
    if (!("event" in news)) return null;
    const { id, publicId } = news.room;
    return { viewer, room: { id, publicId }, event: { ...news.event, dataJson: DELETED } };
  }

  return {
    async keep(eventId, news) {
      const { type } = news;
      const about = aboutOf(news);
      if (about) return { eventId, type, body: null, about };
      const body = await made(eventId, news);
      return body === null ? null : { eventId, type, body, about };
    },
    async bodyOf({ eventId, type, body, about }) {
      if (about === null) return body;
      const news = await newsOf(type, about);
      return news && (await made(eventId, news));
    },
  };
}
