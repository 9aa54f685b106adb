/**
 * What faces may ask about people beyond the rooms they share: Wire's connections and Protocol's contacts; and the
 * webhooks that tell an organization what its people do. Part of {@link UseCases}; the same promises hold.
 */
import type {
  Actor,
  Audience,
  ConnectionStatus,
  Contact,
  Room,
  User,
  Webhook,
  WebhookType,
} from "../model.ts";

// ── Connections (src/domain/contacts/connections.ts) ───────────────────────────────────────────────────────────

/** One side of a connection: how `from` stands to `to`. */
export interface Connection {
  from: User;
  to: User;
  status: ConnectionStatus;
  message: string | null;
  /** Their one-to-one room; until the other accepts, only the one who asked is in it. */
  room: Room | null;
  updatedAt: number;
  /** The other has shown themselves to the actor; of who has not, nothing is told but the ids. */
  known: boolean;
}

/**
 * Users are named by UUID: these can't be guessed, so whoever knows one may ask for a connection, across organizations
 * too. An accepted connection lifts their isolation. People of one organization are connected anyway.
 *
 * Blocking shuts their one-to-one room for both (no messages, typing, calls), and neither invites the other anywhere.
 * Group rooms stay as they are. Who exists for the actor can be blocked without having been asked.
 */
export interface Connections {
  /**
   * Those of the actor, by the other's UUID ascending; `after` is exclusive. People of one organization are listed only
   * once one of them did something about it.
   */
  list(
    actor: Actor,
    page: { after?: string; limit: number },
  ): Promise<{ connections: Connection[]; more: boolean }>;
  /** @param user a UUID, or the id of a user @throws DomainError `not_found` */
  get(actor: Actor, user: string): Promise<Connection>;
  /**
   * Asks for a connection, or accepts what the other asked for. With somebody of the same organization there is an
   * accepted one already. The conversation is their one-to-one room. `created`: it is new; `changed`: the actor's side of it is
   * another now.
   * @throws DomainError `not_found` for an unknown user; `bad_request` with oneself; `forbidden` with somebody whom the
   *   actor blocked; `too_large` when too many wait for an answer
   */
  connect(
    actor: Actor,
    uuid: string,
    input?: { message?: string | null },
  ): Promise<{ connection: Connection; created: boolean; changed: boolean }>;
  /**
   * accepted, blocked, ignored or cancelled. Accepting brings both into the room; cancelling takes the room away. What
   * is blocked becomes what it was by being accepted: nothing (cancelled), where nobody had asked. `user` as in {@link get}.
   * @throws DomainError `not_found`; `conflict` when the status can't become that one
   */
  update(
    actor: Actor,
    user: string,
    status: ConnectionStatus,
  ): Promise<{ connection: Connection; changed: boolean }>;
  /** Of these UUIDs, those whom the actor is connected to: people of one organization, and accepted connections. */
  connected(actor: Actor, uuids: readonly string[]): Promise<User[]>;
  /** Of these one-to-one rooms (ids) of the actor, those that wait for an accepted connection (Wire's type 3). */
  waiting(actor: Actor, roomIds: readonly number[]): Promise<Set<number>>;
}

// ── Contacts (src/domain/contacts/contacts.ts) ─────────────────────────────────────────────────────────────────

export interface Contacts {
  /**
   * Puts a user into the actor's book, or changes the entry, and opens their one-to-one room. `name` is a handle or a
   * public id.
   * @throws DomainError `not_found` on `username` unless the user exists for the actor; `forbidden` with oneself
   */
  add(
    actor: Actor,
    input: {
      name: string;
      phoneNumber?: string | null;
      avatarUrl?: string | null;
      displayName?: string | null;
    },
  ): Promise<{ contact: Contact; created: boolean }>;
  /** `publicId` is the user's. @throws DomainError `not_found` */
  get(actor: Actor, publicId: string): Promise<Contact>;
  /**
   * Newest activity first; cursors are public ids of users in the book, deleted ones included.
   * @throws DomainError `bad_request` for an unknown cursor, both cursors, or a limit outside of 1–100
   */
  list(
    actor: Actor,
    page: { startingAfter?: string; endingBefore?: string; limit: number },
  ): Promise<{ contacts: Contact[]; more: boolean }>;
  /** Null: the username again. */
  rename(actor: Actor, publicId: string, displayName: string | null): Promise<Contact>;
  /** Takes the entry out, and deletes their one-to-one room for both. */
  delete(actor: Actor, publicId: string): Promise<void>;
  /**
   * Puts a user, by id, into the book, or names them there; `displayName` null: by their own name, undefined: as before.
   * Their one-to-one room stays as it is.
   * @throws DomainError `not_found` on `user` unless the user exists for the actor or is in the book; `bad_request` for oneself
   */
  set(
    actor: Actor,
    user: string,
    displayName?: string | null,
  ): Promise<{ contact: Contact; changed: boolean }>;
  /** Takes a user, by id, out of the book, and leaves their room. @returns false when they are not in it */
  remove(actor: Actor, user: string): Promise<boolean>;
  /** Users (ids) as the actor's contacts, whether they are in the book or not: the senders of messages. */
  cards(actor: Actor, userIds: readonly number[]): Promise<Map<number, Contact>>;
}

// ── Profiles (src/domain/organizations/profiles.ts) ─────────────────────────────────────────────────────────────────

export interface Profile {
  user: User;
  /** UUID of the first organization that the actor shares with the user. */
  organization: string | null;
}

export interface Profiles {
  /**
   * By UUID whoever there is, as these can't be guessed; by handle those who exist for the actor. At most 500; unknown
   * ones are left out.
   */
  named(
    actor: Actor,
    names: { uuids: readonly string[] } | { handles: readonly string[] },
  ): Promise<Profile[]>;
}

// ── People (src/domain/contacts/people.ts) ─────────────────────────────────────────────────────────────────────

export interface Person {
  user: User;
  /** When the user was last seen anywhere, ms; null: never, or the user does not tell the actor. */
  lastSeen: number | null;
}

export interface People {
  /**
   * `query`: other users who exist for the actor and whose handle or name holds the text, by handle. `ids`: users by id,
   * UUID or public id whom the actor may know (they share an organization, a room or a connection, or neither has an
   * organization), and by handle those who exist for the actor; unknown ones are left out.
   * @throws DomainError `bad_request` on `query` (1–200 characters; not with `ids`), on `ids` (at most 100), on `limit`
   *   (1–100)
   */
  find(actor: Actor, input: { query?: string; ids?: readonly string[]; limit: number }): Promise<Person[]>;
}

// ── The own profile (src/domain/contacts/own-profile.ts) ───────────────────────────────────────────────────────

export interface ProfilePatch {
  name?: string;
  /** The id of a file that the user uploaded and did not send; null removes the picture. */
  avatar?: string | null;
  /** At most 140 characters; empty removes it. */
  status?: string;
  privacy?: { receipts?: Audience; lastSeen?: Audience };
}

export interface OwnProfile {
  /** @throws DomainError `unauthorized` when the account was deleted, or the actor is no user */
  get(actor: Actor): Promise<User>;
  /**
   * Changes what is given. Nothing happens where all of it is so already.
   * @throws DomainError `bad_request` on `name`, `avatar`, `status`, `privacy.receipts`, `privacy.lastSeen`; `too_large` on
   *   `avatar` beyond 1 MiB
   */
  change(actor: Actor, patch: ProfilePatch): Promise<{ user: User; changed: boolean }>;
}

// ── Blocking (src/domain/contacts/blocking.ts) ─────────────────────────────────────────────────────────────────

/** Whom the actor blocks, by the user's id as a text. {@link Connections} says what a block does. */
export interface Blocking {
  /**
   * @returns false when they are blocked already
   * @throws DomainError `not_found` on `user` who does not exist for the actor; `bad_request` for oneself; `too_large` when
   *   the actor blocks too many
   */
  block(actor: Actor, user: string): Promise<boolean>;
  /** What the two were before is so again. @returns false when they are not blocked @throws DomainError `not_found` */
  unblock(actor: Actor, user: string): Promise<boolean>;
  /** The last blocked first; at most 1,000. */
  blocked(actor: Actor): Promise<User[]>;
}

// ── Webhooks (src/domain/organizations/webhooks.ts; src/webhooks/ delivers) ─────────────────────────────────────────

export interface Webhooks {
  /**
   * @returns the webhook, and its secret this once (a new one unless given)
   * @throws DomainError `not_found` on `organizationId`; `bad_request` on `url` for anything but http(s), and for
   *   addresses that may not be reached; on `events`; on `secret` (16–256 characters); `conflict` beyond 20 of one
   *   organization
   */
  create(input: {
    organizationId: number;
    url: string;
    /** Null: all. */
    events?: WebhookType[] | null;
    secret?: string;
  }): Promise<{ webhook: Webhook; secret: string }>;
  list(page: { organizationId?: number; limit: number; after: number }): Promise<Webhook[]>;
  get(id: number): Promise<Webhook>;
  update(
    id: number,
    patch: { url?: string; events?: WebhookType[] | null; secret?: string },
  ): Promise<Webhook>;
  /** What still waits to be delivered goes with it. */
  delete(id: number): Promise<void>;
}

export interface PeopleUseCases {
  connections: Connections;
  contacts: Contacts;
  profiles: Profiles;
  people: People;
  ownProfile: OwnProfile;
  blocking: Blocking;
  webhooks: Webhooks;
}
