/** Users, organizations, credentials and pictures. ./store.ts says what callers may rely on. */
import type {
  ApiToken,
  Group,
  Organization,
  OrganizationEvent,
  OrganizationRole,
  Picture,
  User,
} from "../../model.ts";

export interface NewUser {
  handle: string;
  displayName: string;
  email: string | null;
  passwordHash: string | null;
  administrator: boolean;
}

export type UserPatch = Partial<NewUser>;

export interface Login {
  id: number;
  userId: number;
  persistent: boolean;
  startedAt: number;
  expiresAt: number;
}

/** Account writes that belong into one transaction with changes of rooms. */
export interface AccountWrites {
  /** A handle or e-mail in use throws `conflict` on that field (handles and e-mails compare case-insensitively). */
  createUser(input: NewUser): Promise<User>;
  /** Conflicts as above. A new display name shows in the user's memberships as well. Null when there is no such user. */
  updateUser(userId: number, patch: UserPatch): Promise<User | null>;
  /**
   * Marks the user deleted, frees handle and e-mail, revokes tokens and logins, and removes the user from
   * organizations, their events, groups, connections and contact books. Memberships stay: leave the rooms in the same
   * transaction. False when there is none.
   */
  deleteUser(userId: number): Promise<boolean>;
  /**
   * Ends all logins of the user with what they made in Matrix, and forgets where the user signed in. Tokens stay.
   * False when there is no such user.
   */
  endLogins(userId: number): Promise<boolean>;
  createOrganization(name: string): Promise<Organization>;
  /** Its rooms must have been deleted before (`conflict`). Tokens, roles and events go with it. */
  deleteOrganization(organizationId: number): Promise<boolean>;
  putOrganizationUser(organizationId: number, userId: number, role: OrganizationRole): Promise<void>;
  removeOrganizationUser(organizationId: number, userId: number): Promise<boolean>;
  putEvent(event: OrganizationEvent): Promise<void>;
  deleteEvent(organizationId: number, eventId: number): Promise<boolean>;
  /** Locks the organization's row, so that two changes of its automation do not cross. Null when there is none. */
  lockOrganization(organizationId: number): Promise<Organization | null>;
  /** The organization's users as the transaction sees them; `ids` narrows. */
  organizationUsers(
    organizationId: number,
    ids?: number[],
  ): Promise<{ user: User; role: OrganizationRole }[]>;
  /** Ids of the organizations that the user is in, ascending. */
  organizationIdsOf(userId: number): Promise<number[]>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent | null>;
  /**
   * Keeps these users from being deleted until the commit; unknown and deleted ones are left out. Take the locks of
   * organizations and rooms before: everybody locks in the order organizations, rooms, users.
   */
  lockUsers(ids: number[]): Promise<User[]>;
}

/** Empty `search`: all. */
export interface NamePage {
  search: string;
  limit: number;
  offset: number;
}

export interface AccountStore {
  userById(id: number): Promise<User | null>;
  usersByIds(ids: number[]): Promise<User[]>;
  userByHandle(handle: string): Promise<User | null>;
  /**
   * For login: by handle or e-mail, case-insensitively, with the password's hash, the user's version, and when they
   * signed in at the place before (null: never, or long ago).
   */
  userForLogin(
    login: string,
    place: Uint8Array,
  ): Promise<{
    user: User;
    passwordHash: string | null;
    version: number;
    placeSeenAt: number | null;
  } | null>;
  /** The user signed in at the place, now. A bounded number of places is kept, the last ones. */
  noteLoginPlace(userId: number, place: Uint8Array): Promise<void>;
  /** ONE query: the user of a login that is still valid, with the user's version and the login's `hash` in hex. */
  userOfLogin(loginId: number): Promise<{ user: User; version: number; hash: string } | null>;
  /**
   * ONE query: the user with this handle and version, when all their logins were last ended, and when the handle last
   * belonged to a deleted user, ms.
   */
  userForJwt(handle: string): Promise<{
    user: User | null;
    version: number;
    loginsEndedAt: number | null;
    deletedAt: number | null;
  }>;
  /**
   * Of `ids`, the users who exist for this user: they share an organization, are connected, or neither has
   * an organization; and neither blocked the other.
   */
  visibleUsers(userId: number, ids: number[]): Promise<number[]>;
  /** Handles of users whose handle or name holds the text, whatever its case, in order. */
  handles(page: NamePage): Promise<string[]>;
  listUsers(page: { limit: number; after: number }): Promise<User[]>;
  /** When the handle last belonged to a user that was deleted, ms, or null. */
  handleDeletedAt(handle: string): Promise<number | null>;

  organizationById(id: number): Promise<Organization | null>;
  listOrganizations(page: { limit: number; after: number }): Promise<Organization[]>;
  organizationUsers(organizationId: number): Promise<{ user: User; role: OrganizationRole }[]>;
  organizationRole(organizationId: number, userId: number): Promise<OrganizationRole | null>;
  organizationsOf(userId: number): Promise<{ organization: Organization; role: OrganizationRole }[]>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent | null>;

  putGroup(group: Group): Promise<void>;
  /** An empty group; false when there is one of this id. */
  createGroup(group: Pick<Group, "id" | "name">): Promise<boolean>;
  /** False when there is no such group. */
  addToGroup(id: string, userId: number): Promise<boolean>;
  /** Ids of groups whose id or name holds the text, whatever its case, in order. */
  groupIds(page: NamePage): Promise<string[]>;
  /** The ids of the groups that a user is in, ascending. */
  groupsOf(userId: number): Promise<string[]>;
  deleteGroup(id: string): Promise<boolean>;
  group(id: string): Promise<Group | null>;

  /** `hash` is the SHA-256 of the secret. An unknown or deleted user throws `not_found` on `userId`. */
  createToken(input: Omit<ApiToken, "id" | "createdAt"> & { hash: Uint8Array }): Promise<ApiToken>;
  /**
   * ONE query: the token with the user or organization it stands for; null when unknown, expired or revoked.
   * `version` is the user's (see `RoomQueries.changedUsers`), 0 for organizations.
   */
  tokenByHash(
    hash: Uint8Array,
  ): Promise<
    | { token: ApiToken; user: User; organization: null; version: number }
    | { token: ApiToken; user: null; organization: Organization; version: number }
    | null
  >;
  listTokens(page: { limit: number; after: number }): Promise<ApiToken[]>;
  /** Revokes; bumps the user's version so that live sessions end. */
  deleteToken(id: number): Promise<ApiToken | null>;

  /**
   * Logins (cookies) outlive the hot state; access tokens live in it. Null when the user was deleted, or has another
   * password than the one of `passwordHash` by now.
   */
  createLogin(
    input: Omit<Login, "id"> & { hash: Uint8Array; passwordHash: string | null },
  ): Promise<Login | null>;
  loginByHash(hash: Uint8Array): Promise<(Login & { user: User }) | null>;
  /** Gives the login another secret. False when it is over, or has another secret than `from` by now. */
  renewLogin(id: number, change: { from: Uint8Array; hash: Uint8Array; expiresAt: number }): Promise<boolean>;
  deleteLogin(id: number): Promise<boolean>;
  /** Tokens and logins that ran out, and places where nobody signed in for long. @returns how many of the former */
  deleteExpired(now: number): Promise<number>;
  /**
   * Of the given credentials of live sessions, those that are no longer valid (revoked, expired, user deleted), or are
   * somebody else's: a restored database may have given their id anew. `ended`: when all logins of a user of `users` were
   * ended, for those of `dated`. One query.
   */
  invalidCredentials(input: {
    tokens: readonly OwnedCredential[];
    logins: readonly OwnedCredential[];
    users: readonly Pick<User, "id" | "uuid">[];
    dated?: readonly number[];
  }): Promise<{
    tokenIds: number[];
    loginIds: number[];
    userUuids: string[];
    ended: { userId: number; at: number }[];
  }>;
}

/** A token or a login, and whose it is. */
export interface OwnedCredential {
  id: number;
  userId: number;
}

export interface AvatarStore {
  /** Null once the room is deleted or its picture replaced. */
  get(id: string): Promise<Picture | null>;
}
