/**
 * Distinguishes a user's clients: each has its own session in a room. A client that keeps cookies gets one when it first
 * joins a room. Other clients are distinguished by credential and User-Agent; those with the same count as one, the one that
 * joined last.
 */
import { createHash, randomBytes } from "node:crypto";
import { getCookie, setCookie } from "hono/cookie";
import { isJoinedSession } from "../../../domain/context/session-names.ts";
import type { Credential } from "../../../domain/model.ts";
import type { ClientName, PersonSession } from "../../../domain/use-cases/rooms.ts";
import type { HttpContext } from "../../face/face.ts";
import { isSecureCookie } from "../../requests/cookies.ts";

export interface TalkClient extends ClientName {
  /** Whether it has sent the cookie. */
  isKnown: boolean;
}

const CLIENT_COOKIE = "causeway_client";
/** A random part, and a hash that similar clients share. */
const COOKIE_FORM = /^[\w-]{22}\.[\w-]{16}$/;
const ALIKE_BYTES = 12;

export function clientOf(c: HttpContext, credential: Credential): TalkClient {
  const kept = getCookie(c, CLIENT_COOKIE) ?? "";
  if (COOKIE_FORM.test(kept)) return { id: kept, part: `:${kept}`, isKnown: true };
  const signs = [...signInOf(credential), c.req.header("User-Agent") ?? ""];
  const digest = createHash("sha256").update(JSON.stringify(signs)).digest();
  const alike = digest.subarray(0, ALIKE_BYTES).toString("base64url");
  return { id: `${randomBytes(16).toString("base64url")}.${alike}`, part: `.${alike}`, isKnown: false };
}

function signInOf(credential: Credential): (string | number)[] {
  if (credential.via === "session") return ["login", credential.loginId];
  return credential.via === "token" ? ["token", credential.tokenId] : [credential.via];
}

/** Sets the client's cookie. It is no credential: it only distinguishes clients. It ends with the browser's session. */
export function setClientCookie(c: HttpContext, { id, isKnown }: TalkClient, publicUrl: string): void {
  if (isKnown) return;
  setCookie(c, CLIENT_COOKIE, id, {
    path: "/ocs",
    httpOnly: true,
    sameSite: "Lax",
    secure: isSecureCookie(publicUrl, c.req.url),
  });
}

/**
 * The client's session. If it has not joined, a session of the same person from another API; null if there is none. All
 * sessions of a guest are one client's.
 */
export function ownSessionId(
  sessions: readonly PersonSession[],
  client: ClientName | undefined,
): string | null {
  const mine = sessions.filter(({ name }) => client === undefined || name.includes(client.part));
  const own = mine.length > 0 ? mine : sessions.filter(({ name }) => !isJoinedSession(name));
  return (own.findLast(({ callFlags }) => callFlags > 0) ?? own.at(-1))?.sessionId ?? null;
}
