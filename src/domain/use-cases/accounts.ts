/** Signing in, and the back office. Part of {@link UseCases}; the same promises hold. */
import type { Credential, Holder, Principal, User } from "../model.ts";

/** A login, as one of the user's sessions. */
export interface OwnSession {
  id: number;
  /** What the client called itself. */
  device: string | null;
  address: string | null;
  /** When it was last used, ms. */
  lastSeen: number;
  /** Whether it is the login of who asks. */
  current: boolean;
}

/** `client` is what the client says of itself; `refresh` asks for a refresh token, too. */
export interface LoginOptions {
  persistent: boolean;
  ip: string;
  client?: string;
  refresh?: boolean;
}

/** `expiresIn` is in seconds, `cookieExpiresAt` in ms. */
export interface SignedIn {
  user: User;
  accessToken: string;
  expiresIn: number;
  cookie: string;
  cookieExpiresAt: number;
  /** Null where none was asked for. */
  refreshToken: string | null;
}

/**
 * That it is the user who asks. `password` is for users who have one; for others `credential` is to be of a sign-in that is at
 * most 10 minutes old.
 */
export interface OwnProof {
  password?: string | undefined;
  ip: string;
  credential: Credential;
}

export interface Accounts extends OwnAccount {
  /**
   * Handle or e-mail, and password. `unauthorized` for a bad password and an unknown name alike. With `refresh` the login is
   * renewed with refresh tokens too, and lives as long as a persistent one. `client` is what the client says of itself.
   */
  login(login: string, password: string, options: LoginOptions): Promise<SignedIn>;
  /**
   * A new access token for a refresh token, and the one to go on with: each is used once. Within 10 s the same `client`
   * gets the same again, where it did not use the next token yet; any other use of a used token ends the login.
   * `unauthorized` for an unknown, used or expired one.
   */
  refreshByToken(
    refreshToken: string,
    by: { ip: string; client: string },
  ): Promise<{ user: User; accessToken: string; expiresIn: number; refreshToken: string }>;
  /** Ends the login of a refresh token, used or not. `unauthorized` where there is none. */
  logoutByToken(refreshToken: string): Promise<void>;
  /**
   * A new access token for a login cookie. `expiresIn` is in seconds. `renewed` is the cookie to go on with when a
   * persistent one has had half of its time, and the only one from then on; session cookies are never renewed. No login
   * is renewed beyond its absolute end. Where the owner (a user's id) of the old access token is told, the login must be
   * theirs: else nothing is renewed, and the refusal is on the field `accessToken`.
   */
  refresh(
    cookie: string,
    accessTokenOwner?: number | null,
  ): Promise<{
    user: User;
    accessToken: string;
    expiresIn: number;
    renewed: { cookie: string; cookieExpiresAt: number } | null;
  }>;
  /** The cookie is enough; an access token that comes along must not be another user's. */
  logout(cookie: string, accessToken: string | null): Promise<void>;
  /**
   * An access token, a personal access token, an API token or a JWT; `blocked` are the ids of users whom the user blocks.
   * `unauthorized` when it is none of these.
   */
  authenticate(token: string): Promise<Principal & { version: number; blocked?: number[] }>;
  /**
   * Those of `some` whose user was deleted, or whose credential ended since; one query for all.
   * @param holderOf null: nobody yet
   */
  revoked<T>(some: readonly T[], holderOf: (each: T) => Holder | null): Promise<T[]>;
  /** Basic authentication; a verified password is remembered for a short time under a keyed hash. */
  authenticateBasic(login: string, password: string, ip: string): Promise<Principal & { version: number }>;
  /** Sessions of these logins are there now. Best effort: nothing is thrown. */
  noteSeen(
    seen: readonly { loginId: number; device: string | null; address: string | null }[],
  ): Promise<void>;
}

/** What people do to their own account (src/domain/account/own-account.ts). */
export interface OwnAccount {
  /** The user's logins that are valid, the last used first, at most 200; `credential` is that of who asks. */
  sessions(userId: number, credential: Credential): Promise<OwnSession[]>;
  /**
   * Ends one of the user's logins, or all but that of `credential`, with their access tokens, sessions and what they made in
   * Matrix. Ending none is no error. @returns how many ended
   */
  endSessions(userId: number, which: { id: number } | { others: Credential }): Promise<number>;
  /**
   * Gives the user another password, or a first one, and ends all logins but that of the proof, as `Directory.endLogins`. The
   * old password counts as an attempt to sign in.
   * @param proof whose password is the old one
   * @returns false when it is the password already
   * @throws DomainError on `old`: `bad_request` when it is needed, `forbidden` when it is wrong; `unauthorized` for people
   *   without a password who have to sign in again; `bad_request` on `new`; `rate_limited`; `busy`
   */
  changePassword(user: Pick<User, "id" | "handle">, next: string, proof: OwnProof): Promise<boolean>;
}

/** Deleting one's own account (src/domain/account/deleting.ts). */
export interface AccountDeletions {
  /**
   * Nobody signs in to the account any more, and its sessions end; what it leaves behind goes within the next sweeps: rooms
   * are left, the name in the log becomes `Deleted user`, and with `erased` the user's messages are deleted, with their
   * events. The organizations of the user say what becomes of messages; where they leave it to the user, `erase` does.
   * @returns whether messages go
   * @throws DomainError on `password`: `bad_request` when it is needed, `forbidden` when it is wrong; `unauthorized` for people
   *   without a password who have to sign in again; `rate_limited`; `busy`
   */
  delete(
    user: Pick<User, "id" | "handle">,
    proof: OwnProof,
    wish: { erase: boolean },
  ): Promise<{ erased: boolean }>;
  /** Goes on with deletions that are not finished. Run on every process; each step is one that a killed process repeats. */
  sweep(): Promise<void>;
}

/** Who the user is at an identity provider. */
export interface OwnIdentity {
  id: number;
  issuer: string;
  /** What the provider last called them. */
  name: string | null;
  /** ms. */
  linkedAt: number;
}

/** One's links to people of identity providers (src/domain/oidc/linking.ts). */
export interface OwnIdentities {
  list(userId: number): Promise<OwnIdentity[]>;
  /**
   * Links the user to the person of a code, with which {@link OidcSignIn.begin} ended.
   * @returns `linked`: false when they are linked already
   * @throws DomainError `forbidden` on `code` when it is used, over or another app's; `conflict` on `code` when the person is
   *   linked to another user, or the user to another person there; `forbidden` for administrators, where the provider may
   *   not sign them in; and as `OwnAccount.changePassword`, on `password`
   */
  link(
    user: User,
    code: { code: string; verifier: string },
    proof: OwnProof,
  ): Promise<{ identity: OwnIdentity; linked: boolean }>;
  /**
   * Takes a link away, and ends the logins that came from it, but that of the proof.
   * @returns false when it is none of the user's
   * @throws DomainError `conflict` on `identity` when it is the last way to sign in; and as `OwnAccount.changePassword`, on
   *   `password`
   */
  unlink(user: User, id: number, proof: OwnProof): Promise<boolean>;
}

/** Signing in with an identity provider (OpenID Connect). */
export interface OidcSignIn {
  /** What people call the provider. */
  readonly name: string;
  /**
   * Begins a sign-in. The browser goes to `url`, and keeps `flow`, under the name of `state`, until it comes back.
   * @param input `returnTo`: where it goes then; `challenge`: of an app (PKCE, S256), which needs one; `link`: nobody
   *   is signed in, and a page gets a code, too, which links whoever hands it in ({@link OwnIdentities.link})
   * @throws DomainError `bad_request` on `return` and `code_challenge`
   */
  begin(input: {
    publicUrl: string;
    redirectUri: string;
    returnTo: string;
    challenge: string | null;
    persistent: boolean;
    link: boolean;
  }): Promise<{ outcome: "begun"; url: string; state: string; flow: string } | OidcFailure>;
  /** Ends a sign-in with the provider's answer. It rejects only for defects, and while the store is away. */
  finish(input: {
    query: URLSearchParams;
    flow: string | null;
    by: Pick<LoginOptions, "ip" | "client">;
  }): Promise<OidcOutcome>;
  /**
   * Where the browser has to go to be signed out at the provider, too; `home` where the provider has no such page.
   * @throws DomainError `unavailable`
   */
  signOutUrl(home: string): Promise<string>;
  /**
   * Ends the logins that the provider's logout token names, with their access tokens and sessions.
   * @throws DomainError `bad_request` on `logout_token`; `unavailable`
   */
  logout(token: string): Promise<void>;
  /**
   * The login of an app's code, once, with a refresh token; `persistent`: as it was asked for.
   * @throws DomainError `unauthorized`
   */
  exchange(
    code: string,
    verifier: string,
    by: Pick<LoginOptions, "ip" | "client">,
  ): Promise<SignedIn & { persistent: boolean }>;
}

/**
 * How a sign-in ended. `denied`: the provider let nobody in; `failed`: its answer proves nothing; `refused`: this person
 * may not sign in this way; `expired`: this browser has not begun it, or too long ago.
 */
export type OidcOutcome =
  | { outcome: "login"; returnTo: OidcReturn; login: SignedIn; persistent: boolean }
  | { outcome: "code"; returnTo: OidcReturn; code: string }
  | OidcFailure
  | { outcome: "expired"; returnTo: null };

export interface OidcFailure {
  outcome: "denied" | "failed" | "refused" | "unavailable";
  returnTo: OidcReturn;
}

/** `app`: gets a code in the query. `page`: shares the server's cookies, and gets a code, in the fragment, for a link alone. */
export interface OidcReturn {
  kind: "page" | "app";
  url: string;
}
