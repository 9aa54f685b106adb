/** What the webhook worker (src/webhooks/) needs: a check of addresses, and the shapes of payloads. */
import type { MessagePlace } from "../ids.ts";
import type { Attachment, Contact, LoggedEvent, Membership, Room, User, WebhookType } from "../model.ts";

/** The URLs to which webhooks may be delivered. */
export interface WebhookTargets {
  /**
   * @throws DomainError `bad_request` on `url` when it is not http(s), or names an address that may not be reached. A
   *   name that can't be looked up now is let through: every delivery looks again
   */
  check(url: string): Promise<void>;
}

/** Something that happened and that a webhook tells. It holds whatever can't be read from the store any more. */
export type WebhookNews = {
  /**
   * A user of the webhook's organization who takes part in it: whoever acted, or the first of them in the room. Payloads
   * are as that user sees things. Null where nobody of the organization is in its room.
   */
  viewer: User | null;
} & (
  | {
      type: Extract<WebhookType, `conversation.${string}` | `group.${string}`>;
      room: Room;
      /** Everybody in the room, and the accounts of those who have one; of a deleted room: who was in it. */
      people: { membership: Membership; user: User | null }[];
      /** Null before the first message. */
      lastActivity: number | null;
      /** The seq of the pinned message. */
      pinned: number | null;
    }
  | {
      type: Extract<WebhookType, `message.${string}`>;
      room: Pick<Room, "id" | "publicId">;
      place: MessagePlace;
      /** The logged message as it stands now: its text is gone when it was deleted. */
      event: LoggedEvent;
    }
  | {
      type: Extract<WebhookType, `attachment.${string}`>;
      /** `room`: the token of the room where it was sent. */
      attachment: Attachment & { room: string | null };
      place: MessagePlace | null;
    }
  | { type: Extract<WebhookType, `contact.${string}`>; contact: Contact }
);

/**
 * Shapes the object of a payload, as the API whose webhooks these are shows it. It may read from the store; null: there is
 * nothing to tell. What it answers of rooms and contacts is kept and sent again as it is; objects of messages and files are
 * made anew for every attempt.
 */
export type WebhookShape = (news: WebhookNews) => Promise<object | null>;
