/** Signing in, and the back office. Part of {@link UseCases}; the same promises hold. */
import type { Holder, Principal, User } from "../model.ts";

export interface Accounts {
  /** Handle or e-mail, and password. `unauthorized` for a bad password and an unknown name alike. */
  login(
    login: string,
    password: string,
    options: { persistent: boolean; ip: string },
  ): Promise<{ user: User; accessToken: string; expiresIn: number; cookie: string; cookieExpiresAt: number }>;
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
  /** An access token, a personal access token, an API token or a JWT. `unauthorized` when it is none of these. */
  authenticate(token: string): Promise<Principal & { version: number }>;
  /**
   * Those of `some` whose user was deleted, or whose credential ended since; one query for all.
   * @param holderOf null: nobody yet
   */
  revoked<T>(some: readonly T[], holderOf: (each: T) => Holder | null): Promise<T[]>;
  /** Basic authentication; a verified password is remembered for a short time under a keyed hash. */
  authenticateBasic(login: string, password: string, ip: string): Promise<Principal & { version: number }>;
}
