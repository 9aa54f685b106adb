/**
 * Webhooks in the store: who is to be told what, how far each log was read for each of them, and what waits to be
 * delivered. The promises of ./store.ts hold. Many processes share the work: see `claim`.
 */
import type { MessagePlace } from "../../ids.ts";
import type { LoggedEvent, Membership, Room, User, Webhook, WebhookType } from "../../model.ts";

export interface WebhookStore {
  /** What waits to be delivered, counted up to 10,000, and the age of the oldest in milliseconds. */
  backlog(): Promise<{ waiting: number; oldestMs: number }>;
  /** Null when there is no such organization, or it has `most` of them. What happens from now on is told. */
  create(
    input: Omit<Webhook, "id" | "createdAt"> & { secret: string },
    most: number,
  ): Promise<Webhook | null>;
  list(page: { organizationId?: number; limit: number; after: number }): Promise<Webhook[]>;
  update(
    id: number,
    patch: Partial<Pick<Webhook, "url" | "events">> & { secret?: string },
  ): Promise<Webhook | null>;
  /** What waits to be delivered goes with it. */
  delete(id: number): Promise<boolean>;
  /** Whether there is any: without one nothing is read. */
  any(): Promise<boolean>;

  // ── Reading the logs
  /** Rooms with events that some webhook has not been told, at most `limit`; a look through all of them. */
  behind(limit: number): Promise<number[]>;
  /** For each webhook whose organization takes part in the room: what comes next. Makes no change. */
  unread(roomId: number, limit: number): Promise<UnreadLog[]>;
  /**
   * Puts deliveries into the queue and moves the webhook's place in the room's log, both or none. `done`: nothing that
   * follows concerns the organization.
   * @returns false when somebody else did so meanwhile
   */
  advance(
    log: UnreadLog,
    step: { to: number; done: boolean; deliveries: readonly NewDelivery[] },
  ): Promise<boolean>;
  /** The room as it is, or as it was when it was deleted. */
  room(roomId: number): Promise<RoomSnapshot | null>;
  /** Everybody has heard that the room was deleted. */
  forgetRoom(roomId: number): Promise<void>;

  // ── Notes: what happened outside of the logs
  /** The oldest ones, each with the webhooks that have to hear of it. */
  notes(limit: number): Promise<WebhookNote[]>;
  /** Puts deliveries into the queue and removes the note, both or none. False when somebody else did so meanwhile. */
  settleNote(id: number, deliveries: readonly (NewDelivery & { webhookId: number })[]): Promise<boolean>;

  // ── Delivering
  /**
   * Claims due queues (a webhook's deliveries of one room, in order) for `leaseMs`, but none of the webhooks in `busy`. No
   * other process gets them until the lease ends or they are released.
   */
  claim(limit: number, leaseMs: number, busy: readonly number[]): Promise<DeliveryQueue[]>;
  /** The next deliveries of a queue, in order. */
  waiting(queue: DeliveryQueue, limit: number): Promise<Delivery[]>;
  /** Delivered. False when the lease was lost. */
  delivered(queue: DeliveryQueue, deliveryId: number): Promise<boolean>;
  /** Releases the queue. With `afterMs` its first delivery failed, and is due again then. */
  release(queue: DeliveryQueue, afterMs: number | null): Promise<void>;
}

export interface UnreadLog {
  webhook: Webhook;
  roomId: number;
  /** Read so far. */
  seq: number;
  /**
   * The organization may see messages with a higher seq. 0 in rooms of its own; in others what the first of its users who
   * are, or were, in the room may see.
   */
  historyFrom: number;
  events: LoggedEvent[];
  /** The organization's users among those who act, come and go in the events, then the first of them in the room. */
  people: number[];
  /** Whether the room is the organization's, or one of its users is in it (of a deleted room: was). */
  takesPart: boolean;
  /** What the store remembers of this webhook and room. */
  queue: { seq: number; reading: boolean } | null;
}

/** A room with its people, for payloads. */
export interface RoomSnapshot {
  room: Room;
  people: { membership: Membership; user: User | null }[];
  /** Null before the first message. */
  lastActivity: number | null;
  pinned: number | null;
  deleted: boolean;
}

export interface NewDelivery {
  /**
   * 16 characters; the same on every attempt. It names what happened and when: after a restore of the database nothing
   * else has the id of what was told before.
   */
  eventId: string;
  type: WebhookType;
  /** The raw payload; null where it is made when it is delivered. */
  body: string | null;
  /** What it is then made of; null with a body. */
  about: DeliveryAbout | null;
}

/**
 * Of payloads with texts and names of files only this is kept: what is taken back before they are delivered must not be
 * told any more.
 */
export type DeliveryAbout = { viewer: number | null } & (AboutMessage | AboutAttachment);
export interface AboutMessage {
  room: Pick<Room, "id" | "publicId">;
  /** The message as if it were deleted: it may be gone with its room. */
  event: LoggedEvent;
}
export interface AboutAttachment {
  attachment: string;
  /** Where it belonged when it happened. */
  place: MessagePlace | null;
}

/** Written in the transaction of what it tells. `data` holds no text of a message and no name of a file. */
export interface NewNote {
  type: WebhookType;
  /** Whose organizations hear of it. */
  userId: number;
  roomId: number | null;
  data: object;
}
export interface WebhookNote {
  id: number;
  type: WebhookType;
  viewer: User;
  roomId: number | null;
  data: unknown;
  webhooks: Webhook[];
}

export interface DeliveryQueue {
  webhookId: number;
  /** 0: of no room. */
  roomId: number;
  /** Failures in a row. */
  attempts: number;
  /** Proves the claim. */
  lease: number;
  url: string;
  secret: string;
}
export interface Delivery extends NewDelivery {
  id: number;
}

/** Inside a transaction. */
export interface WebhookWrites {
  /** Nothing is kept while there are no webhooks. */
  note(note: NewNote): Promise<void>;
}
