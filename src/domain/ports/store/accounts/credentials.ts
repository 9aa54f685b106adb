/**
 * What people show to get in: tokens and logins. Secrets are kept as SHA-256 only. Times are ms by the database's clock, so
 * that all gateways agree on when something expires. ./store.ts says what callers may rely on.
 */
import type { ApiToken, Organization, User } from "../../../model.ts";
import type { LoginOrigin } from "./identities.ts";

export interface TokenStore {
  /** An unknown or deleted user throws `not_found` on `userId`. */
  create(input: Omit<ApiToken, "id" | "createdAt"> & { hash: Uint8Array }): Promise<ApiToken>;
  /**
   * ONE query: the token with the user or organization it stands for; null when unknown, expired or revoked.
   * `version` is the user's (see `UserStore.changed`), 0 for organizations; `blocked` are the ids of users whom they block.
   */
  byHash(
    hash: Uint8Array,
  ): Promise<
    | { token: ApiToken; user: User; organization: null; version: number; blocked: number[] }
    | { token: ApiToken; user: null; organization: Organization; version: number }
    | null
  >;
  /** By id ascending; `after` is an id, exclusive. */
  list(page: { limit: number; after: number }): Promise<ApiToken[]>;
  /** Revokes; bumps the user's version so that live sessions end. */
  delete(id: number): Promise<ApiToken | null>;
}

/** What a login cookie stands for. */
export interface Login {
  id: number;
  userId: number;
  persistent: boolean;
  startedAt: number;
  expiresAt: number;
}

/** A login that is renewed with refresh tokens. */
export interface RefreshLogin extends Login {
  user: User;
  /** SHA-256 of the login's secret, in hex. */
  hash: string;
  /** The number of the one token that was not used. */
  refreshNumber: number;
  /** When the token before it was used, ms, and by which client (a hash); null: none was. */
  refreshedAt: number | null;
  refreshedBy: Uint8Array | null;
}

/** A login as its user sees it. */
export interface LoginSession {
  id: number;
  /** What the client called itself. */
  device: string | null;
  address: string | null;
  /** When it was last used, ms. */
  seenAt: number;
}

/** How users sign in, and what they have signed in with. */
export interface LoginStore {
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
  /**
   * ONE query: the user with this handle and version, the ids of their organizations and of whom they block, when all their
   * logins were last ended, and when the handle last belonged to a deleted user, ms.
   */
  userForJwt(handle: string): Promise<{
    user: User | null;
    version: number;
    organizations: number[];
    blocked: number[];
    loginsEndedAt: number | null;
    deletedAt: number | null;
  }>;
  /**
   * ONE query: whether the user has a password, and when one of their logins began, ms (null: it is none of theirs). Null when
   * there is no such user.
   */
  waysOf(
    userId: number,
    loginId: number | null,
  ): Promise<{ hasPassword: boolean; startedAt: number | null } | null>;
  /** The user signed in at the place, now. A bounded number of places is kept, the last ones. */
  notePlace(userId: number, place: Uint8Array): Promise<void>;
  /**
   * Logins (cookies) outlive the hot state; access tokens live in it. Null when the user was deleted, or has another
   * password than the one of `passwordHash` by now. With `origin` the password does not count, but the user has to be linked
   * to that identity still.
   */
  create(
    input: Omit<Login, "id"> & {
      hash: Uint8Array;
      passwordHash: string | null;
      origin?: LoginOrigin;
      device?: string | null;
      address?: string | null;
      /** The hash of what the login's refresh tokens share; unset: it has none. */
      refreshFamily?: Uint8Array | null;
    },
  ): Promise<Login | null>;
  byHash(hash: Uint8Array): Promise<(Login & { user: User }) | null>;
  /**
   * ONE query: the user of a login that is still valid, with the user's version, whom they block (ids), and the login's
   * `hash` in hex.
   */
  userOf(loginId: number): Promise<{ user: User; version: number; blocked: number[]; hash: string } | null>;
  /** Gives the login another secret. False when it is over, or has another secret than `from` by now. */
  renew(id: number, change: { from: Uint8Array; hash: Uint8Array; expiresAt: number }): Promise<boolean>;
  delete(id: number): Promise<boolean>;
  /** By the hash of what the login's refresh tokens share. */
  byRefreshFamily(family: Uint8Array): Promise<RefreshLogin | null>;
  /**
   * Makes the token with the next number the one that was not used, unless the one of `number` is another: then false.
   * `at` is when, `client` a hash of who renews.
   */
  refresh(
    id: number,
    renewal: { number: number; client: Uint8Array; at: number; expiresAt: number; address: string },
  ): Promise<boolean>;
  /** The user's logins that are valid, the last used first; at most `limit`. */
  ofUser(userId: number, limit: number): Promise<LoginSession[]>;
  /** Ends one of the user's logins, or all but one. @returns the ids of those that ended */
  end(userId: number, which: { id: number } | { except: number | null }): Promise<number[]>;
  /**
   * The logins were in use at these times (ms), by clients that call themselves so, from these addresses (null: no change).
   * One statement.
   */
  noteSeen(seen: readonly LoginSession[]): Promise<void>;
}

/** Tokens and logins together. */
export interface CredentialStore {
  /** Tokens, logins and codes of logins that ran out, and places where nobody signed in for long. @returns how many of the former */
  deleteExpired(now: number): Promise<number>;
  /**
   * Of the given credentials of live sessions, those that are no longer valid (revoked, expired, user deleted), or are
   * somebody else's: a restored database may have given their id anew. `ended`: when all logins of a user of `users` were
   * ended, for those of `dated`. One query.
   */
  invalid(input: {
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
