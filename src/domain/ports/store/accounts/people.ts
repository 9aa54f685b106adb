/** What the store keeps about how people stand to each other. The promises of ../store.ts hold. */
import type { Audience, ConnectionStatus, Room, User } from "../../../model.ts";

/** One side of a connection. */
export interface StoredConnection {
  from: User;
  to: User;
  status: ConnectionStatus;
  message: string | null;
  room: Room | null;
  updatedAt: number;
  /** `to` has shown themselves to `from`: see {@link PeopleStore.known}. */
  known: boolean;
}

export interface StoredContact {
  user: User;
  phoneNumber: string | null;
  avatarUrl: string | null;
  displayName: string | null;
  room: Room | null;
  lastActiveAt: number | null;
  createdAt: number;
}

/** A place in a contact book, newest activity first. */
export interface ContactPlace {
  activity: number;
  userId: number;
}

/** Users by one of their names; deleted and unknown ones are left out. */
export type UserNames =
  | { uuids: readonly string[] }
  | { publicIds: readonly string[] }
  | { handles: readonly string[] };

export interface PeopleStore {
  /** Names that have not the form of their kind are unknown. */
  users(names: UserNames): Promise<User[]>;
  /**
   * Of these users, those who have shown themselves to this one: they share an organization or a room, neither has an
   * organization, or they asked for a connection or accepted one; whoever blocked whom.
   */
  known(userId: number, ids: readonly number[]): Promise<number[]>;
  /** UUID of the first organization that each of these users shares with this one; those without are left out. */
  sharedOrganizations(userId: number, ids: readonly number[]): Promise<{ userId: number; uuid: string }[]>;
  /** When these users were last seen anywhere, ms, as far as they tell this one; others are missing. */
  lastSeen(viewerId: number, ids: readonly number[]): Promise<(readonly [userId: number, at: number])[]>;
  /** Of these users, those who tell this one how far they have read (`receipts`), or when they were last seen. */
  telling(what: "receipts" | "lastSeen", viewerId: number, ids: readonly number[]): Promise<number[]>;
  /** Whom the user tells when they were last seen; `nobody` when there is no such user. Many at once share statements. */
  lastSeenFor(userId: number): Promise<Audience>;
  /** The contacts of a user (see `Audience`) who are in the room, at most 1,000. */
  contactsIn(roomId: number, userId: number): Promise<number[]>;
  connection(userId: number, peerId: number): Promise<StoredConnection | null>;
  /** Whom the user blocks, the last first, at most 1,000. */
  blocked(userId: number): Promise<User[]>;
  /** By the other's UUID ascending; `after` is exclusive. */
  connections(userId: number, page: { after?: string; limit: number }): Promise<StoredConnection[]>;
  /**
   * Of these users, those who share an organization with this one or have an accepted connection, and neither blocked
   * the other; by "organization" those who share one, whoever blocked whom.
   */
  connected(userId: number, ids: readonly number[], by?: "organization"): Promise<number[]>;
  /** Of these one-to-one rooms, those whose pair waits for one of them to accept. */
  waiting(roomIds: readonly number[]): Promise<number[]>;

  /** Entries of a book, with the last activity of those who tell the owner; `book: false` also users who are in no entry, with what is known of them. */
  contacts(ownerId: number, userIds: readonly number[], book: boolean): Promise<StoredContact[]>;
  contactPage(
    ownerId: number,
    page: { after?: ContactPlace; before?: ContactPlace; limit: number },
  ): Promise<StoredContact[]>;
  /** Where an entry stands, or stood when it was deleted; null when the user never was in the book. */
  contactPlace(ownerId: number, publicId: string): Promise<ContactPlace | null>;
}

/** Inside a transaction. */
export interface PeopleWrites {
  /** Holds the pair of users until the commit, and reads both sides; `waiting` and `blocked` count those of the first user. */
  lockConnection(
    userId: number,
    peerId: number,
  ): Promise<{
    mine: ConnectionStatus | null;
    theirs: ConnectionStatus | null;
    waiting: number;
    blocked: number;
  }>;
  /** @returns the time of the change, ms */
  putConnection(
    userId: number,
    peerId: number,
    status: ConnectionStatus,
    message?: string | null,
  ): Promise<number>;
  /** True when the entry is new. Fields that are undefined stay as they are. */
  putContact(
    ownerId: number,
    userId: number,
    entry: { phoneNumber?: string | null; avatarUrl?: string | null; displayName?: string | null },
  ): Promise<boolean>;
  /** `activity`: where the entry stood. False when there was none. */
  deleteContact(ownerId: number, userId: number, activity: number): Promise<boolean>;
}
