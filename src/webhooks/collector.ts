/**
 * Turns events into deliveries. It reads each room's log from the place of each webhook, and notes about changes that are in
 * no log. The store moves the place and stores the deliveries in one commit, so several processes may read the same log
 * at once, and each event goes into its delivery queue once. Payloads with texts are made at delivery (payloads.ts).
 */

import { dataOf, isAbout } from "../domain/event-data.ts";
import type { AttachmentNote } from "../domain/files/attachment-notes.ts";
import { derivedPublicId } from "../domain/ids.ts";
import {
  type Contact,
  isUser,
  type LoggedEvent,
  type User,
  type Webhook,
  type WebhookType,
} from "../domain/model.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { NewDelivery, RoomSnapshot, UnreadLog, WebhookNote } from "../domain/ports/store/webhooks.ts";
import type { WebhookNews } from "../domain/ports/webhooks.ts";
import { tellsOfMessage } from "../domain/visibility.ts";
import type { Payloads } from "./payloads.ts";
import { newsOfEvent, withoutRuns } from "./webhook-events.ts";

export interface CollectorOptions {
  store: Pick<Store, "webhooks" | "messages" | "users">;
  payloads: Pick<Payloads, "keep">;
}

export interface Collector {
  /** Reads the next events of a room for all webhooks. @returns whether there may be more */
  readRoom(roomId: number): Promise<boolean>;
  /** Turns the next notes into deliveries. @returns whether there may be more */
  readNotes(): Promise<boolean>;
}

/** Events of one room, and notes, that one step reads. */
const MAX_EVENTS = 100;
const MAX_NOTES = 50;

export function createCollector({ store, payloads }: CollectorOptions): Collector {
  const { webhooks } = store;

  async function viewerOf(event: LoggedEvent, log: UnreadLog, room: RoomSnapshot): Promise<User | null> {
    const acting = log.people.find((id) => isUser(event.actor, id));
    const id = acting ?? log.people.at(-1);
    if (id === undefined) return null;
    const present = room.people.find(({ user }) => user?.id === id)?.user;
    return present ?? (await store.users.byId(id));
  }

  async function deliveriesOf(log: UnreadLog, room: RoomSnapshot): Promise<NewDelivery[]> {
    const { webhook, roomId } = log;
    const deliveries: NewDelivery[] = [];
    for (const event of withoutRuns(concerning(log))) {
      const viewer = await viewerOf(event, log, room);
      for (const { news, key } of await newsOfEvent(store, room, event, viewer)) {
        if (!wants(webhook, news.type)) continue;
        const eventId = derivedPublicId(`${webhook.id} ${roomId} ${event.seq} ${event.at} ${key}`);
        const delivery = await payloads.keep(eventId, news);
        if (delivery) deliveries.push(delivery);
      }
    }
    return deliveries;
  }

  return {
    async readRoom(roomId) {
      // The room is read before its log: if the room is gone, its log already has `room.deleted`.
      const room = await webhooks.room(roomId);
      const gone = room?.deleted !== false;
      let more = false;
      for (const log of await webhooks.unread(roomId, MAX_EVENTS)) {
        const last = log.events.at(-1);
        if (!last && log.queue && (log.queue.reading ? log.takesPart : gone)) continue;
        const full = log.events.length === MAX_EVENTS;
        const advanced = await webhooks.advance(log, {
          to: last?.seq ?? log.seq,
          done: last?.type === "room.deleted" || (!log.takesPart && !full),
          deliveries: room ? await deliveriesOf(log, room) : [],
        });
        more ||= full || !advanced;
      }
      if (gone && !more) await webhooks.forgetRoom(roomId);
      return more;
    },
    async readNotes() {
      const notes = await webhooks.notes(MAX_NOTES);
      for (const note of notes) {
        const news = note.webhooks.length === 0 ? null : await newsOf(note);
        const deliveries = [];
        for (const webhook of news ? note.webhooks : []) {
          const delivery = await payloads.keep(
            derivedPublicId(`note ${note.id} ${note.type} ${JSON.stringify(note.data)} ${webhook.id}`),
            news as WebhookNews,
          );
          if (delivery) deliveries.push({ ...delivery, webhookId: webhook.id });
        }
        await webhooks.settleNote(note.id, deliveries);
      }
      return notes.length === MAX_NOTES;
    },
  };

  /** The news of a note; null when its object is gone. */
  async function newsOf({ type, viewer, roomId, data }: WebhookNote): Promise<WebhookNews | null> {
    switch (type) {
      case "contact.created":
      case "contact.updated":
      case "contact.deleted":
        return { type, viewer, contact: data as Contact };
      case "attachment.created":
      case "attachment.updated":
      case "attachment.deleted": {
        const { id, place } = data as AttachmentNote;
        const attachment = await store.messages.attachmentPlace(id);
        return attachment && { type, viewer, attachment, place };
      }
      case "conversation.updated": {
        const room = roomId === null ? null : await webhooks.room(roomId);
        return room && { type, viewer, ...room };
      }
      default:
        return null;
    }
  }
}

function wants({ events }: Webhook, type: WebhookType): boolean {
  return events === null || events.includes(type);
}

/**
 * The events that concern an organization. It has no interest in edits and deletions of messages that its users may not
 * see. When its last user left the room, later events do not concern it either.
 */
function concerning({ events: all, people, takesPart, historyFrom }: UnreadLog): LoggedEvent[] {
  const events = all.filter(
    (event) =>
      !(tellsOfMessage(event.type) || event.type === "message.deleted") ||
      dataOf<"message.edited" | "message.deleted">(event).seq > historyFrom,
  );
  if (takesPart) return events;
  const end = events.findLastIndex(
    (event) => event.type === "member.left" && people.some((id) => isAbout(event, id)),
  );
  return events.slice(0, end + 1);
}
