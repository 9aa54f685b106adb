/** Authentication of Talk: users with Basic or Bearer; guests with the cookie from the first room that they joined. */
import { getCookie, setCookie } from "hono/cookie";
import { isSecret } from "../../../domain/auth/secrets.ts";
import { DomainError } from "../../../domain/errors.ts";
import { type Actor, type Credential, type User, userActor } from "../../../domain/model.ts";
import type { Accounts } from "../../../domain/use-cases/accounts.ts";
import type { HttpContext } from "../../face/face.ts";
import { isSecureCookie } from "../../requests/cookies.ts";
import { authenticateUser, bearerOf, type UserPrincipal } from "../../requests/credentials.ts";
import type { GuestCaller, RequestLimits } from "../../requests/request-limits.ts";
import { clientOf, type TalkClient } from "../shapes/clients.ts";
import { NoApiRequest } from "../shapes/failures.ts";

export type Caller =
  | { kind: "user"; user: User; actor: Actor; credential: Credential; client: TalkClient }
  | ({ kind: "guest" } & GuestCaller);

export function createAuthentication(accounts: Accounts, limits: RequestLimits) {
  async function principalOf(c: HttpContext, header: string): Promise<UserPrincipal> {
    const token = bearerOf(header);
    if (token !== null) return await authenticateUser(accounts, token);
    const basic = basicOf(header);
    if (!basic) throw new DomainError("unauthorized");
    return (await accounts.authenticateBasic(basic.login, basic.password, c.env.ip)) as UserPrincipal;
  }

  /** @throws DomainError `unauthorized` for wrong credentials, which do not make the caller a guest */
  return async (c: HttpContext): Promise<Caller> => {
    const header = c.req.header("Authorization");
    if (header === undefined) {
      const guest = { secret: guestSecretOf(c), ip: c.env.ip };
      await limits.byGuest(guest, c.req.method !== "GET");
      return { kind: "guest", ...guest };
    }
    const principal = await principalOf(c, header);
    await limits.byCaller(principal);
    const { user, credential } = principal;
    return { kind: "user", user, actor: userActor(user), credential, client: clientOf(c, credential) };
  };
}

function basicOf(header: string): { login: string; password: string } | null {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header)?.[1];
  const text = Buffer.from(encoded ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { login: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** [B.1] Requires the header for all methods, unless the credentials are of a kind that browsers never send by themselves. */
export function requireApiRequest(c: HttpContext): void {
  if (c.req.header("OCS-APIRequest")?.toLowerCase() === "true") return;
  if (bearerOf(c.req.header("Authorization")) !== null) return;
  throw new NoApiRequest();
}

export const GUEST_COOKIE = "causeway_guest";

function guestSecretOf(c: HttpContext): string | null {
  const secret = getCookie(c, GUEST_COOKIE) ?? "";
  return isSecret("guest", secret) ? secret : null;
}

/** It lives as long as the browser's session. */
export function setGuestCookie(c: HttpContext, secret: string, publicUrl: string): void {
  setCookie(c, GUEST_COOKIE, secret, {
    path: "/ocs",
    httpOnly: true,
    sameSite: "Lax",
    secure: isSecureCookie(publicUrl, c.req.url),
  });
}
