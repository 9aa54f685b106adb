/** Signing in with a password, renewing the access token with the login's cookie, and signing out. */
import { createAuthentication, isLogin } from "./authentication.ts";
import type { Context } from "./context.ts";
import { DomainError } from "./errors.ts";
import { createLoginLimits, wrongCredentials } from "./login-limits.ts";
import type { Passwords } from "./passwords.ts";
import { hashSecret, hexHash, isSecret, newSecret } from "./secrets.ts";
import type { Accounts } from "./use-cases.ts";

/** Lifetimes as in the Wire document: 15 minutes, a day, 56 days. */
const ACCESS_TOKEN_S = 900;
const SESSION_COOKIE_MS = 86_400_000;
const PERSISTENT_COOKIE_MS = 56 * 86_400_000;
/** A persistent cookie that has less time left is replaced by whoever uses it; the old one lives out its time. */
const RENEWED_BEFORE_MS = 28 * 86_400_000;

export function createAccounts(context: Context, passwords: Passwords): Accounts {
  const { store, hot, now } = context;
  const limits = createLoginLimits(context);

  async function grant(
    userId: number,
    { id: loginId, cookie }: { id: number; cookie: string },
  ): Promise<{ accessToken: string; expiresIn: number }> {
    const accessToken = newSecret("access");
    const expiresAt = now() + ACCESS_TOKEN_S * 1_000;
    await hot.tokens.put(hexHash(accessToken), { userId, loginId, loginHash: hexHash(cookie), expiresAt });
    return { accessToken, expiresIn: ACCESS_TOKEN_S };
  }

  async function newLogin(userId: number, persistent: boolean) {
    const cookie = newSecret("cookie");
    const cookieExpiresAt = now() + (persistent ? PERSISTENT_COOKIE_MS : SESSION_COOKIE_MS);
    const { id } = await store.accounts.createLogin({
      ...{ userId, hash: hashSecret(cookie), persistent, expiresAt: cookieExpiresAt },
    });
    return { id, cookie, cookieExpiresAt };
  }

  async function loginOf(cookie: string) {
    const login = isSecret("cookie", cookie) ? await store.accounts.loginByHash(hashSecret(cookie)) : null;
    if (!login) throw new DomainError("unauthorized", "The login is over; sign in again");
    return login;
  }

  return {
    async login(name, password, { persistent, ip }) {
      await limits.take(name, ip);
      const found = isLogin(name) ? await store.accounts.userForLogin(name) : null;
      const right = await passwords.verify(found?.passwordHash ?? null, password);
      if (!found || !right) throw wrongCredentials();
      await limits.succeeded(name);
      const { user } = found;
      const { id, cookie, cookieExpiresAt } = await newLogin(user.id, persistent);
      return { user, ...(await grant(user.id, { id, cookie })), cookie, cookieExpiresAt };
    },
    async refresh(cookie) {
      const login = await loginOf(cookie);
      const { user, persistent, expiresAt } = login;
      const isDue = persistent && expiresAt - now() < RENEWED_BEFORE_MS;
      const renewed = isDue ? await newLogin(user.id, persistent) : null;
      return { user, ...(await grant(user.id, renewed ?? { id: login.id, cookie })), renewed };
    },
    async logout(cookie, accessToken) {
      const { id, userId } = await loginOf(cookie);
      const entry = isSecret("access", accessToken) ? await hot.tokens.get(hexHash(accessToken)) : null;
      if (entry?.userId !== userId) {
        throw new DomainError("unauthorized", "The access token is expired, or belongs to another user");
      }
      await store.accounts.deleteLogin(id);
      context.news.userChanged(userId);
      await context.bestEffort("Ending the access tokens of a login", () => hot.tokens.dropLogin(id));
    },
    ...createAuthentication(context, passwords, limits),
  };
}
