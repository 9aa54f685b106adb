/** Checks name and password within the limits. Attempts from known addresses are checked first. */
import { createHmac } from "node:crypto";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { User } from "../model.ts";
import { LIMITS } from "../text-rules.ts";
import { addressBlock } from "./address-block.ts";
import { createLoginLimits, wrongCredentials } from "./login-limits.ts";
import type { Passwords } from "./passwords.ts";

/** @throws DomainError `unauthorized` for a bad password and an unknown name alike; `rate_limited`; `busy` */
export type PasswordCheck = (
  login: string,
  password: string,
  ip: string,
) => Promise<{ user: User; passwordHash: string | null; version: number }>;

/** Whether it is the password of this user. @throws DomainError `rate_limited`; `busy` */
export async function isPasswordOf(
  checkPassword: PasswordCheck,
  handle: string,
  password: string,
  ip: string,
): Promise<boolean> {
  try {
    await checkPassword(handle, password, ip);
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.code === "unauthorized") return false;
    throw error;
  }
}

/** How often a known address is written to the store again. */
const NOTED_MS = 86_400_000;

export function createPasswordCheck(context: Context, passwords: Passwords): PasswordCheck {
  const { store, logger, now } = context;
  const limits = createLoginLimits(context);
  /** An HMAC of the address with the database's secret, so that the table alone reveals no addresses. */
  const placeOf = (ip: string) =>
    createHmac("sha256", store.secret)
      .update(`login place ${addressBlock(ip)}`)
      .digest();

  return async (login, password, ip) => {
    const place = placeOf(ip);
    const found = isLogin(login) ? await store.logins.userForLogin(login, place) : null;
    const { user, passwordHash, version, placeSeenAt } = found ?? NOBODY;
    const known = placeSeenAt !== null;
    // Only for known addresses: for others, a cached password would let guesses bypass the limits.
    if (user && known && passwords.knows(passwordHash, password)) return { user, passwordHash, version };
    const userId = user?.id ?? null;
    const attempt = { login, userId, ip, known };
    await limits.take(attempt);
    const right = await passwords.verify(passwordHash, password, known ? "known" : "stranger");
    if (!user || !right) {
      logger.info({ event: "login.failed", userId, ip }, "a login with a wrong name or password was refused");
      throw wrongCredentials();
    }
    await limits.succeeded(attempt);
    if (placeSeenAt === null || placeSeenAt < now() - NOTED_MS) {
      await context.bestEffort("Noting where somebody signed in", () =>
        store.logins.notePlace(user.id, place),
      );
    }
    return { user, passwordHash, version };
  };
}

const NOBODY = { user: null, passwordHash: null, version: 0, placeSeenAt: null };

/** Whether a text can be a handle or an e-mail address; nothing else is looked up. */
function isLogin(text: string): boolean {
  return text.length > 0 && text.length <= LIMITS.emailCharacters && !text.includes("\0");
}
