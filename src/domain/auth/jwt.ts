/** Verifies JSON Web Tokens of an external issuer, so that an app can bring its own users. `sub` is the user's handle. */
import { errors, type JWTPayload, jwtVerify } from "jose";
import type { DomainSettings } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { isHandle } from "../text-rules.ts";
import { createIssuerKeys } from "./jwt-keys.ts";

/** The claims of a valid token. Times are ms. */
export interface JwtClaims {
  handle: string;
  /** The `name` claim, used when the user is made. */
  name: string | null;
  issuedAt: number | null;
  expiresAt: number;
}

/** @throws DomainError `unauthorized` with the reason; `unavailable` when the issuer's keys can't be fetched */
export type JwtVerifier = (token: string) => Promise<JwtClaims>;

/** Asymmetric algorithms only: with a shared secret, a server that verifies tokens could also issue them. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const CLOCK_TOLERANCE_S = 5;

/** Whether a text has the form of a JWT: three parts, the first of them a JSON object. */
export function looksLikeJwt(token: string): boolean {
  return token.startsWith("eyJ") && token.split(".").length === 3;
}

export function createJwtVerifier(
  { jwksUrl, issuer, audience }: NonNullable<DomainSettings["jwt"]>,
  now: () => number,
): JwtVerifier {
  const keys = createIssuerKeys(jwksUrl);
  const options = {
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ["sub", "exp"],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, { ...options, currentDate: new Date(now()) });
      return claimsOf(payload);
    } catch (error) {
      throw asRefusal(error);
    }
  };
}

function claimsOf({ sub, exp = 0, iat, name }: JWTPayload): JwtClaims {
  // An issuer may put any JSON here, such as a number.
  if (typeof sub !== "string" || !isHandle(sub))
    throw new DomainError("unauthorized", "The token's sub is no handle of a user");
  return {
    handle: sub,
    name: typeof name === "string" ? name : null,
    issuedAt: iat === undefined ? null : iat * 1_000,
    expiresAt: exp * 1_000,
  };
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof errors.JOSEError)) return error;
  return new DomainError("unauthorized", `The token is not valid: ${error.message}`);
}
