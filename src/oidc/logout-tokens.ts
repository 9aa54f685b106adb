/** Tokens with which the provider ends logins (OpenID Connect Back-Channel Logout 1.0, section 2.6). */
import { errors, type JWTPayload, jwtVerify } from "jose";
import { PUBLIC_KEYS } from "../domain/auth/jwt.ts";
import { createIssuerKeys } from "../domain/auth/jwt-keys.ts";
import { DomainError } from "../domain/errors.ts";
import type { OidcLogout } from "../domain/ports/oidc.ts";

/** @throws DomainError `bad_request` for a token that ends nothing; `unavailable` */
export type LogoutTokens = (token: string, keysAt: string) => Promise<OidcLogout>;

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const MAX_AGE_S = 300;
const CLOCK_TOLERANCE_S = 60;
const MAX_LENGTH = 255;

export function createLogoutTokens({ issuer, clientId }: { issuer: string; clientId: string }): LogoutTokens {
  let keys: { url: string; get: ReturnType<typeof createIssuerKeys> } | null = null;

  function keysOf(url: string): ReturnType<typeof createIssuerKeys> {
    if (keys?.url !== url) keys = { url, get: createIssuerKeys(url) };
    return keys.get;
  }

  return async (token, keysAt) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keysOf(keysAt), {
        ...{ issuer, audience: clientId, algorithms: PUBLIC_KEYS },
        ...{ maxTokenAge: MAX_AGE_S, clockTolerance: CLOCK_TOLERANCE_S },
        requiredClaims: ["jti", "events"],
      });
      const { typ = "logout+jwt" } = protectedHeader;
      if (!/^(application\/)?(logout\+jwt|jwt)$/i.test(typ)) throw endsNothing();
      return logoutOf(issuer, payload);
    } catch (error) {
      if (error instanceof errors.JOSEError) throw endsNothing();
      throw error;
    }
  };
}

function logoutOf(issuer: string, { sub, sid, iat = 0, events, nonce }: JWTPayload): OidcLogout {
  const isLogout = typeof events === "object" && events !== null && Object.hasOwn(events, EVENT);
  const [subject, session] = [textOf(sub), textOf(sid)];
  // An ID token has a nonce and ends nothing.
  if (!isLogout || nonce !== undefined || (subject === null && session === null)) throw endsNothing();
  return { issuer, subject, session, issuedAt: iat * 1_000 };
}

/** @throws DomainError for what is there and is no text */
function textOf(claim: unknown): string | null {
  if (claim === undefined) return null;
  if (typeof claim === "string" && claim !== "" && claim.length <= MAX_LENGTH && !claim.includes("\0"))
    return claim;
  throw endsNothing();
}

function endsNothing(): DomainError {
  return new DomainError("bad_request", "logout_token must be a valid one of the identity provider", {
    field: "logout_token",
  });
}
