/** Secrets that are shown once and stored as SHA-256. A prefix tells people and secret scanners their kind. */
import { createHash, randomBytes } from "node:crypto";

const SECRET_PREFIXES = {
  /** A login's access token, valid for 15 minutes. */
  access: "cwa_",
  /** The cookie of a login. */
  cookie: "cwc_",
  /** A code that an app exchanges for a login, once. */
  code: "cwx_",
  /** A code that links an account to a person of an identity provider, once. */
  link: "cwl_",
  /** A user's personal access token. */
  personal: "cwp_",
  /** An organization's API token. */
  organization: "cwo_",
  /** The cookie of a guest. */
  guest: "cwg_",
  /** A webhook's secret. It signs payloads, so it is stored in clear. */
  webhook: "cws_",
} as const;

export type SecretKind = keyof typeof SECRET_PREFIXES;

const SECRET_BYTES = 32;
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 4) / 3);

export function newSecret(kind: SecretKind): string {
  return SECRET_PREFIXES[kind] + randomBytes(SECRET_BYTES).toString("base64url");
}

/** Whether a text has the form of a secret of this kind. Others need no look-up. */
export function isSecret(kind: SecretKind, text: string): boolean {
  const prefix = SECRET_PREFIXES[kind];
  return text.length === prefix.length + SECRET_CHARACTERS && text.startsWith(prefix);
}

/** The stored hash of a secret. Secrets have 256 random bits, so they need neither salt nor a slow hash. */
export function hashSecret(secret: string | Uint8Array): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** {@link hashSecret} in hex, for hot state. */
export function hexHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
