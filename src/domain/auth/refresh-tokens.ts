/**
 * Refresh tokens: `cwr_`, what all tokens of a login share (16 random bytes), the token's number, and an HMAC of both with
 * the database's secret. So a used token is known as one of its login however old it is, and the successor of a token is
 * always the same; the store keeps one number.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const PREFIX = "cwr_";
const FAMILY_BYTES = 16;
const NUMBER_BYTES = 4;
const PROOF_BYTES = 28;
const TOKEN_BYTES = FAMILY_BYTES + NUMBER_BYTES + PROOF_BYTES;

export interface RefreshToken {
  /** What all tokens of a login share. Only its hash is stored. */
  family: Buffer;
  /** The first token of a login has 0. */
  number: number;
}

export function newRefreshFamily(): Buffer {
  return randomBytes(FAMILY_BYTES);
}

export function refreshTokenOf(token: RefreshToken, secret: string): string {
  return PREFIX + Buffer.concat([bodyOf(token), proofOf(token, secret)]).toString("base64url");
}

/** Null for a text that is no refresh token of this database. */
export function readRefreshToken(text: string, secret: string): RefreshToken | null {
  if (!text.startsWith(PREFIX)) return null;
  const bytes = Buffer.from(text.slice(PREFIX.length), "base64url");
  if (bytes.length !== TOKEN_BYTES) return null;
  const token = { family: bytes.subarray(0, FAMILY_BYTES), number: bytes.readUInt32BE(FAMILY_BYTES) };
  const isOurs = timingSafeEqual(bytes.subarray(-PROOF_BYTES), proofOf(token, secret));
  return isOurs ? token : null;
}

function bodyOf({ family, number }: RefreshToken): Buffer {
  const body = Buffer.alloc(FAMILY_BYTES + NUMBER_BYTES);
  family.copy(body);
  body.writeUInt32BE(number, FAMILY_BYTES);
  return body;
}

function proofOf(token: RefreshToken, secret: string): Buffer {
  return createHmac("sha256", secret)
    .update("refresh token ")
    .update(bodyOf(token))
    .digest()
    .subarray(0, PROOF_BYTES);
}
