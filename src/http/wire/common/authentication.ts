/** Wire's two credentials: the access token (header or query) and the login cookie `zuid`. */
import type { MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { DomainError } from "../../../domain/errors.ts";
import type { User } from "../../../domain/model.ts";
import type { Accounts } from "../../../domain/use-cases/accounts.ts";
import type { ClientName } from "../../../domain/use-cases/rooms.ts";
import type { HttpContext, HttpEnv } from "../../face/face.ts";
import { isSecureCookie } from "../../requests/cookies.ts";
import { authenticateUser, bearerOf, type UserPrincipal } from "../../requests/credentials.ts";
import type { RequestLimits } from "../../requests/request-limits.ts";

/** Lets users in, with a login's access token, a personal access token or a JWT; organizations are 401. */
export function authentication(accounts: Accounts, limits: RequestLimits): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const token = accessTokenOf(c);
    if (token === null)
      throw new DomainError("unauthorized", "Send Authorization: Bearer and an access token");
    const principal = await authenticateUser(accounts, token);
    await limits.byCaller(principal);
    c.set("principal", principal);
    await next();
  };
}

/** Behind {@link authentication}, which lets users through only. */
export function callingUser(c: HttpContext): User {
  return (c.get("principal") as UserPrincipal).user;
}

/** The calling client. Wire's clients are distinguished by their credential. */
export function callingClient(c: HttpContext): ClientName {
  const { credential } = c.get("principal") as UserPrincipal;
  const number =
    credential.via === "session" ? credential.loginId : credential.via === "token" ? credential.tokenId : "";
  const id = `wire.${credential.via}.${number}`;
  return { id, part: `:${id}` };
}

export function accessTokenOf(c: HttpContext): string | null {
  return bearerOf(c.req.header("Authorization")) ?? c.req.query("access_token") ?? null;
}

const COOKIE = "zuid";
const COOKIE_PATH = "/access";

export function loginCookieOf(c: HttpContext): string | null {
  return getCookie(c, COOKIE) || null;
}

export interface LoginCookies {
  /** Without `expires` it lives as long as the browser's session. */
  set(c: HttpContext, value: string, expires: number | null): void;
  drop(c: HttpContext): void;
}

/** The login cookie. It is SameSite, so that browsers do not send it for pages of other sites. */
export function loginCookies(publicUrl: () => string): LoginCookies {
  const attributes = (c: HttpContext) =>
    ({
      path: COOKIE_PATH,
      httpOnly: true,
      sameSite: "Strict",
      secure: isSecureCookie(publicUrl(), c.req.url),
    }) as const;
  return {
    set(c, value, expires) {
      const until = expires !== null && { expires: new Date(expires) };
      setCookie(c, COOKIE, value, { ...attributes(c), ...until });
    },
    drop: (c) => void deleteCookie(c, COOKIE, attributes(c)),
  };
}
