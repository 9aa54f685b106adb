/**
 * Verifies JSON Web Tokens of outside issuers, so that apps can bring their own users. `iss` selects the issuer; its kind of
 * keys, and not the token, decides about the algorithm (RFC 8725, sections 2.1 and 3.1).
 */
import { createPublicKey } from "node:crypto";
import {
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import type { JwtIssuer } from "../context/issuers.ts";
import { DomainError } from "../errors.ts";
import { isHandle } from "../text-rules.ts";
import { createIssuerKeys } from "./jwt-keys.ts";

/** The claims of a valid token, and who said them. Times are ms. */
export interface JwtClaims {
  issuer: JwtIssuer;
  handle: string;
  /** Used when the user is made. */
  name: string | null;
  issuedAt: number | null;
  /** When the issuer saw the person (`auth_time`), or else made the token; null when it says neither. */
  authenticatedAt: number | null;
  expiresAt: number;
}

/** @throws DomainError `unauthorized` with the reason; `unavailable` when the issuer's keys can't be fetched */
export type JwtVerifier = (token: string) => Promise<JwtClaims>;

type VerifyOne = (token: string, now: number) => Promise<JwtClaims>;

/** Keys at a URL are public ones of any kind. `jose` takes a key only for the algorithms of its kind. */
export const PUBLIC_KEYS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const OF_CURVE: Record<string, string> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };
/** With the bytes that a secret needs for each (RFC 7518, section 3.2). */
const OF_SECRET = [
  { algorithm: "HS256", bytes: 32 },
  { algorithm: "HS384", bytes: 48 },
  { algorithm: "HS512", bytes: 64 },
];
const CLOCK_TOLERANCE_S = 5;
const CLAIMS = { handle: "sub", name: "name" };

/** Whether a text has the form of a JWT: three parts, the first of them a JSON object. */
export function looksLikeJwt(token: string): boolean {
  return token.startsWith("eyJ") && token.split(".").length === 3;
}

/** @param issuers each `issuer` once; each has keys of its own, so none waits for another's */
export function createJwtVerifier(issuers: readonly JwtIssuer[], now: () => number): JwtVerifier {
  const prefixes = issuers.map(({ handlePrefix = "" }) => handlePrefix);
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, verifierOf(issuer, prefixes)]));
  const ofAny = byName.get(undefined);
  return async (token) => {
    try {
      const verify = byName.get(decodeJwt(token).iss) ?? ofAny;
      if (!verify) throw new DomainError("unauthorized", "The token's issuer is not known here");
      return await verify(token, now());
    } catch (error) {
      throw asRefusal(error);
    }
  };
}

/** @param prefixes of the handles of all issuers */
function verifierOf(issuer: JwtIssuer, prefixes: readonly string[]): VerifyOne {
  const { keys, algorithms } = keysOf(issuer.keys);
  const options: JWTVerifyOptions = {
    algorithms,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ["exp"],
    ...(issuer.issuer !== undefined && { issuer: issuer.issuer }),
    ...(issuer.audience !== undefined && { audience: issuer.audience }),
  };
  return async (token, now) => {
    const { payload } = await jwtVerify(token, keys, { ...options, currentDate: new Date(now) });
    const claims = claimsOf(issuer, payload);
    checkPrefix(claims, prefixes);
    return claims;
  };
}

function keysOf(keys: JwtIssuer["keys"]): { keys: JWTVerifyGetKey; algorithms: string[] } {
  if ("jwksUrl" in keys) return { keys: createIssuerKeys(keys.jwksUrl), algorithms: PUBLIC_KEYS };
  if ("secret" in keys) {
    const secret = Buffer.from(keys.secret);
    const fitting = OF_SECRET.filter(({ bytes }) => secret.length >= bytes);
    return { keys: async () => secret, algorithms: fitting.map(({ algorithm }) => algorithm) };
  }
  const key = createPublicKey(keys.publicKey);
  const { asymmetricKeyType: kind = "", asymmetricKeyDetails: { namedCurve = "" } = {} } = key;
  return { keys: async () => key, algorithms: algorithmsOf(kind, namedCurve) };
}

/** @throws Error for a kind of key that signs no JWTs */
function algorithmsOf(kind: string, curve: string): string[] {
  const curveAlgorithm = OF_CURVE[curve];
  if (kind === "rsa") return PUBLIC_KEYS.filter((name) => /^[RP]S/.test(name));
  if (kind === "ec" && curveAlgorithm !== undefined) return [curveAlgorithm];
  if (kind === "ed25519") return ["EdDSA", "Ed25519"];
  throw new Error(`A public key of the kind ${kind} ${curve} signs no JWTs`);
}

function claimsOf(issuer: JwtIssuer, payload: JWTPayload): JwtClaims {
  const { exp = 0, iat, auth_time: seenAt } = payload;
  const { claims = CLAIMS, handlePrefix = "" } = issuer;
  // An issuer may put any JSON here, such as a number.
  const { [claims.handle]: subject, [claims.name]: name } = payload;
  if (typeof subject !== "string" || !isHandle(handlePrefix + subject))
    throw new DomainError("unauthorized", `The token's ${claims.handle} is no handle of a user`);
  return {
    issuer,
    handle: handlePrefix + subject,
    name: typeof name === "string" ? name : null,
    issuedAt: msOf(iat),
    authenticatedAt: msOf(seenAt === undefined ? iat : seenAt),
    expiresAt: exp * 1_000,
  };
}

/**
 * A handle is of the issuer with the longest prefix that it begins with, so that no issuer names the people of another.
 * Handles do not differ by case.
 */
function checkPrefix(
  { handle, issuer: { handlePrefix: own = "" } }: JwtClaims,
  prefixes: readonly string[],
): void {
  const folded = handle.toLowerCase();
  const isOfAnother = prefixes.some(
    (prefix) => prefix.length > own.length && folded.startsWith(prefix.toLowerCase()),
  );
  if (!isOfAnother) return;
  throw new DomainError(
    "unauthorized",
    "The token names somebody whose handle has the prefix of another issuer",
  );
}

/** Seconds of a claim, which may be any JSON, as ms. */
function msOf(seconds: unknown): number | null {
  return typeof seconds === "number" ? seconds * 1_000 : null;
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof errors.JOSEError)) return error;
  return new DomainError("unauthorized", `The token is not valid: ${error.message}`);
}
