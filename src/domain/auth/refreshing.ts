/**
 * Renewing a login with a refresh token, which each use replaces. A token that was used before tells that somebody has a
 * copy: its login ends, so that the thief and the owner both have to sign in. A client whose answer was lost may use its
 * token once more.
 */
import { createHash } from "node:crypto";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { RefreshLogin } from "../ports/store/accounts/credentials.ts";
import { type RefreshToken, readRefreshToken, refreshTokenOf } from "./refresh-tokens.ts";
import { hashSecret } from "./secrets.ts";

/** How long a client may use its token again whose answer was lost. */
const LOST_ANSWER_MS = 10_000;

/**
 * Who renews. `client` is what a client says of itself (User-Agent): an address would not do, because an answer is lost most often when
 * a phone changes networks. `ip` is the address that the list of sessions shows.
 */
export interface Renewing {
  ip: string;
  client: string;
}

export interface Refreshing {
  /**
   * @param expiresAt when the login expires after the renewal, ms
   * @returns the login with its next token @throws DomainError `unauthorized`
   */
  use(
    text: string,
    by: Renewing,
    expiresAt: (login: RefreshLogin) => number,
  ): Promise<{ login: RefreshLogin; next: string }>;
  /** The login of a token, used or not. @throws DomainError `unauthorized` */
  loginOf(text: string): Promise<RefreshLogin>;
}

/**
 * @param longestMs a login ends this long after its password was given
 * @param end ends a login with its access tokens and sessions
 */
export function createRefreshing(
  { store, logger, now }: Pick<Context, "store" | "logger" | "now">,
  longestMs: number,
  end: (login: Pick<RefreshLogin, "id" | "userId">) => Promise<void>,
): Refreshing {
  async function find(text: string): Promise<{ token: RefreshToken; login: RefreshLogin }> {
    const token = readRefreshToken(text, store.secret);
    const login = token && (await store.logins.byRefreshFamily(hashSecret(token.family)));
    if (!token || !login || login.startedAt + longestMs <= now()) throw isOver();
    return { token, login };
  }

  /** Whether the token is the one before the present one, used a moment ago by the same client. */
  function answerWasLost({ number }: RefreshToken, login: RefreshLogin, client: Uint8Array): boolean {
    const { refreshNumber, refreshedAt, refreshedBy } = login;
    if (number !== refreshNumber - 1 || refreshedAt === null || refreshedBy === null) return false;
    return now() - refreshedAt < LOST_ANSWER_MS && Buffer.from(refreshedBy).equals(client);
  }

  return {
    async use(text, { ip, client: name }, expiresAt) {
      const { token, login } = await find(text);
      const client = createHash("sha256").update(name).digest();
      const next = (number: number) => refreshTokenOf({ family: token.family, number }, store.secret);
      const renewal = { number: token.number, client, at: now(), expiresAt: expiresAt(login), address: ip };
      if (await store.logins.refresh(login.id, renewal)) return { login, next: next(token.number + 1) };
      // Read again: the same token may have been used since, by a request beside this one.
      const { login: after } = await find(text);
      if (answerWasLost(token, after, client)) return { login: after, next: next(after.refreshNumber) };
      logger.warn(
        { event: "login.refresh_token_reused", userId: login.userId, loginId: login.id, ip },
        "a refresh token was used twice, so somebody has a copy of it; its login was ended",
      );
      await end(login);
      throw isOver();
    },
    loginOf: async (text) => (await find(text)).login,
  };
}

function isOver(): DomainError {
  return new DomainError("unauthorized", "The refresh token is unknown, used or expired; sign in again");
}
