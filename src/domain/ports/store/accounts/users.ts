/** Users. ./store.ts says what callers may rely on. */
import type { Audience, Picture, User } from "../../../model.ts";

export interface NewUser {
  handle: string;
  displayName: string;
  email: string | null;
  passwordHash: string | null;
  administrator: boolean;
}

export interface UserPatch extends Partial<NewUser> {
  status?: string;
  receiptsFor?: Audience;
  lastSeenFor?: Audience;
}

/** Empty `search`: all. */
export interface NamePage {
  search: string;
  limit: number;
  offset: number;
}

/** Deleted users are in no answer. */
export interface UserStore {
  byId(id: number): Promise<User | null>;
  /** By id ascending; unknown and deleted users are missing. */
  byIds(ids: number[]): Promise<User[]>;
  /** Handles compare case-insensitively. */
  byHandle(handle: string): Promise<User | null>;
  /** By id ascending; `after` is an id, exclusive. */
  list(page: { limit: number; after: number }): Promise<User[]>;
  /** Handles of users whose handle or name holds the text, whatever its case, in order. */
  handles(page: NamePage): Promise<string[]>;
  /**
   * Of `ids`, the users who exist for this user: they share an organization, are connected, or neither has
   * an organization; and neither blocked the other.
   */
  visible(userId: number, ids: number[]): Promise<number[]>;
  /**
   * Users who exist for this user as in {@link visible}, without the user, whose handle or name holds the text, whatever its
   * case; by handle.
   */
  search(userId: number, page: { text: string; limit: number }): Promise<User[]>;
  /** When the handle last belonged to a user that was deleted, ms, or null. */
  handleDeletedAt(handle: string): Promise<number | null>;
  /**
   * Of the given users (with the version that the caller saw), those whose memberships, tokens or account changed
   * since. Deleted users come with `version: null`.
   */
  changed(seen: { userId: number; version: number }[]): Promise<{ userId: number; version: number | null }[]>;
  /** The current version of a user, which each change that {@link changed} tells of raises; null when there is no such user. */
  version(userId: number): Promise<number | null>;
}

/** Inside a transaction. */
export interface UserWrites {
  /** A handle or e-mail in use throws `conflict` on that field (handles and e-mails compare case-insensitively). */
  create(input: NewUser): Promise<User>;
  /** Conflicts as above. A new display name shows in the user's memberships as well. Null when there is no such user. */
  update(userId: number, patch: UserPatch): Promise<User | null>;
  /** The attachment that the user's picture was made of; null without a picture. */
  pictureSource(userId: number): Promise<string | null>;
  /** Replaces the user's picture; null removes it. Null when there is no such user. */
  setPicture(userId: number, picture: (Picture & { source: string }) | null): Promise<User | null>;
  /**
   * Marks the user deleted, frees handle, e-mail and the subjects of identity providers, revokes tokens and logins, and
   * removes the user from organizations, their events, groups, connections and contact books. Memberships stay: leave the rooms in the same
   * transaction. False when there is none.
   */
  delete(userId: number): Promise<boolean>;
  /**
   * Ends all logins of the user, but for the one of `except`, with what they made in Matrix, and forgets where the user
   * signed in. Tokens stay. False when there is no such user.
   */
  endLogins(userId: number, except?: number | null): Promise<boolean>;
  /**
   * Links a user to the subject of an identity provider. @returns the link's id; null when the subject is linked
   * already, or the user to another subject of the issuer. A name or `picture` (URL) that is told counts as taken over.
   */
  link(input: {
    userId: number;
    issuer: string;
    subject: string;
    name: string | null;
    picture?: string | null;
  }): Promise<number | null>;
  /**
   * Takes one of the user's links away, with the logins that came from it but `kept`, which goes on as any other login. @returns
   * the ids of the logins that ended; null when it is no link of the user; `last`, unless `evenLast`, when the user would
   * have neither a password nor another link
   */
  unlink(input: {
    userId: number;
    id: number;
    kept: number | null;
    evenLast: boolean;
  }): Promise<number[] | "last" | null>;
  /**
   * Keeps these users from being deleted until the commit; unknown and deleted ones are left out. Take the locks of
   * organizations and rooms before: everybody locks in the order organizations, rooms, users.
   */
  lock(ids: number[]): Promise<User[]>;
}
