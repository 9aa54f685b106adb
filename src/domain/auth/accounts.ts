/** Signing in with a password, renewing the access token with the login's cookie, and signing out. */

import type { Context } from "../context/context.ts";
import { DomainError, isUnavailable } from "../errors.ts";
import type { User } from "../model.ts";
import type { Login } from "../ports/store/accounts/credentials.ts";
import type { LoginOrigin } from "../ports/store/accounts/identities.ts";
import { cutText } from "../text-rules.ts";
import type { Accounts, LoginOptions, OwnAccount, SignedIn } from "../use-cases/accounts.ts";
import type { UserDirectory } from "../use-cases/directory.ts";
import { createAuthentication } from "./authentication.ts";
import { loginsEnded } from "./ended-logins.ts";
import { wrongCredentials } from "./login-limits.ts";
import { createPasswordCheck, type PasswordCheck } from "./password-check.ts";
import type { Passwords } from "./passwords.ts";
import { newRefreshFamily, refreshTokenOf } from "./refresh-tokens.ts";
import { createRefreshing } from "./refreshing.ts";
import { revokedOf } from "./revoked.ts";
import { hashSecret, hexHash, isSecret, newSecret } from "./secrets.ts";

/** Lifetimes from the Wire document: 15 minutes for access tokens; a day or 56 days for cookies. */
const ACCESS_TOKEN_S = 900;
const SESSION_COOKIE_MS = 86_400_000;
const PERSISTENT_COOKIE_MS = 56 * 86_400_000;
/** A persistent cookie with less time left than this is replaced when it is used. */
const RENEWED_BEFORE_MS = 28 * 86_400_000;
/** A login ends this long after its password was given, also when it is renewed. */
const LONGEST_LOGIN_MS = 90 * 86_400_000;
/** Of what a client calls itself. */
const DEVICE_CHARACTERS = 128;

/** {@link Accounts} without what people do to their own, and what no face may ask. */
export interface InternalAccounts extends Omit<Accounts, keyof OwnAccount> {
  /** A login for a user whom somebody else has checked. */
  loginFor(user: User, origin: LoginOrigin, options: LoginOptions): Promise<SignedIn>;
  checkPassword: PasswordCheck;
}

interface NewCookie {
  id: number;
  cookie: string;
  cookieExpiresAt: number;
}

/** @param directory makes the users whom a JWT names for the first time */
export function createAccounts(
  context: Context,
  passwords: Passwords,
  directory: Pick<UserDirectory, "createUser">,
): InternalAccounts {
  const { store, hot, now, settings } = context;
  const { longestLoginMs = LONGEST_LOGIN_MS } = settings;
  const checkPassword = createPasswordCheck(context, passwords);
  const refreshing = createRefreshing(context, longestLoginMs, end);

  async function grant(
    userId: number,
    { id: loginId, ...secret }: { id: number } & ({ cookie: string } | { hash: string }),
  ): Promise<{ accessToken: string; expiresIn: number }> {
    const accessToken = newSecret("access");
    const expiresAt = now() + ACCESS_TOKEN_S * 1_000;
    const loginHash = "hash" in secret ? secret.hash : hexHash(secret.cookie);
    await hot.tokens.put(hexHash(accessToken), { userId, loginId, loginHash, expiresAt });
    return { accessToken, expiresIn: ACCESS_TOKEN_S };
  }

  async function end({ id, userId }: Pick<Login, "id" | "userId">): Promise<void> {
    await store.logins.delete(id);
    await loginsEnded(context, userId, [id]);
  }

  /** When a cookie that is made now expires, ms. */
  function expiryOf({ persistent, startedAt }: Pick<Login, "persistent" | "startedAt">): number {
    const lifetime = persistent ? PERSISTENT_COOKIE_MS : SESSION_COOKIE_MS;
    return Math.min(now() + lifetime, startedAt + longestLoginMs);
  }

  async function newLogin(
    user: User,
    proof: { passwordHash: string | null; origin?: LoginOrigin },
    { persistent: wanted, ip, client, refresh = false }: LoginOptions,
  ): Promise<SignedIn> {
    const family = refresh ? newRefreshFamily() : null;
    const persistent = wanted || refresh;
    const cookie = newSecret("cookie");
    const startedAt = now();
    const cookieExpiresAt = expiryOf({ persistent, startedAt });
    const login = await store.logins.create({
      ...{ ...proof, userId: user.id, persistent, startedAt, address: ip },
      device: client ? cutText(client, DEVICE_CHARACTERS) : null,
      refreshFamily: family && hashSecret(family),
      ...{ hash: hashSecret(cookie), expiresAt: cookieExpiresAt },
    });
    // The user was deleted or the password changed after the check.
    if (!login) throw wrongCredentials();
    const granted = await grant(user.id, { id: login.id, cookie });
    const refreshToken = family && refreshTokenOf({ family, number: 0 }, store.secret);
    return { user, ...granted, cookie, cookieExpiresAt, refreshToken };
  }

  async function loginOf(cookie: string) {
    const login = isSecret("cookie", cookie) ? await store.logins.byHash(hashSecret(cookie)) : null;
    if (!login || login.startedAt + longestLoginMs <= now()) throw loginIsOver();
    return login;
  }

  /** A new cookie for the login; null when the present one lasts long enough, or can't be extended. */
  function dueCookie(login: Login) {
    const { id, persistent, expiresAt } = login;
    const cookieExpiresAt = expiryOf(login);
    if (!persistent || expiresAt - now() >= RENEWED_BEFORE_MS || cookieExpiresAt <= expiresAt) return null;
    return { id, cookie: newSecret("cookie"), cookieExpiresAt };
  }

  async function renew(old: string, { id, cookie, cookieExpiresAt: expiresAt }: NewCookie): Promise<void> {
    const change = { from: hashSecret(old), hash: hashSecret(cookie), expiresAt };
    if (!(await store.logins.renew(id, change))) throw loginIsOver();
  }

  /** The user of an access token; null when it expired, or hot state is away. */
  async function ownerOf(accessToken: string): Promise<number | null> {
    if (!isSecret("access", accessToken)) throw notTheirs();
    try {
      return (await hot.tokens.get(hexHash(accessToken)))?.userId ?? null;
    } catch (error) {
      if (isUnavailable(error)) return null;
      throw error;
    }
  }

  return {
    async login(name, password, options) {
      const { user, passwordHash } = await checkPassword(name, password, options.ip);
      return await newLogin(user, { passwordHash }, options);
    },
    checkPassword,
    loginFor: (user, origin, options) => newLogin(user, { passwordHash: null, origin }, options),
    async refresh(cookie, accessTokenOwner = null) {
      const login = await loginOf(cookie);
      const { user } = login;
      // Before any change, so that after a refusal the present cookie still works.
      if (accessTokenOwner !== null && accessTokenOwner !== user.id) throw notTheirs();
      const renewed = dueCookie(login);
      const granted = await grant(user.id, renewed ?? { id: login.id, cookie });
      // After everything that can be refused, so that after a refusal the present cookie still works.
      if (renewed) await renew(cookie, renewed);
      await noteSeen(context, [{ loginId: login.id, device: null, address: null }]);
      return { user, ...granted, renewed };
    },
    async logout(cookie, accessToken) {
      const { id, userId } = await loginOf(cookie);
      const owner = accessToken === null ? null : await ownerOf(accessToken);
      if (owner !== null && owner !== userId) throw notTheirs();
      await end({ id, userId });
    },
    async refreshByToken(token, by) {
      const { login, next } = await refreshing.use(token, by, expiryOf);
      return { user: login.user, ...(await grant(login.userId, login)), refreshToken: next };
    },
    logoutByToken: async (token) => await end(await refreshing.loginOf(token)),
    noteSeen: (seen) => noteSeen(context, seen),
    ...createAuthentication(context, checkPassword, directory),
    revoked: (some, holderOf) => revokedOf(store.credentials, some, holderOf),
  };
}

async function noteSeen(context: Context, seen: Parameters<Accounts["noteSeen"]>[0]): Promise<void> {
  const { store, now } = context;
  const seenAt = now();
  await context.bestEffort("Noting when logins were used", () =>
    store.logins.noteSeen(seen.map(({ loginId: id, ...each }) => ({ ...each, id, seenAt }))),
  );
}

function loginIsOver(): DomainError {
  return new DomainError("unauthorized", "The login is over; sign in again");
}

function notTheirs(): DomainError {
  return new DomainError("unauthorized", "The access token is none of a login, or belongs to another user", {
    field: "accessToken",
  });
}
