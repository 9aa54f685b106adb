/** Secrets that are handed out once and kept as their SHA-256 only. A prefix tells people (and scanners) what one is. */
import { createHash, randomBytes } from "node:crypto";

const SECRET_PREFIXES = {
  /** 15 minutes, from a login. */
  access: "cwa_",
  /** The cookie of a login. */
  cookie: "cwc_",
  /** A user's personal access token. */
  personal: "cwp_",
  /** An organization's API token. */
  organization: "cwo_",
  /** The cookie of a guest. */
  guest: "cwg_",
  /** A webhook's; it signs payloads, so it is kept as it is. */
  webhook: "cws_",
} as const;

export type SecretKind = keyof typeof SECRET_PREFIXES;

const SECRET_BYTES = 32;
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 4) / 3);

export function newSecret(kind: SecretKind): string {
  return SECRET_PREFIXES[kind] + randomBytes(SECRET_BYTES).toString("base64url");
}

/** Whether a text can be a secret of this kind at all; anything else needs no look-up. */
export function isSecret(kind: SecretKind, text: string): boolean {
  const prefix = SECRET_PREFIXES[kind];
  return text.length === prefix.length + SECRET_CHARACTERS && text.startsWith(prefix);
}

/** What is kept of a secret. It has 256 random bits, so that no salt and no slow hash are needed. */
export function hashSecret(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** {@link hashSecret} in hex, for hot state. */
export function hexHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
