/** Sealed texts that a browser keeps for this server: nobody else can read, change or make them. */
import { hkdfSync } from "node:crypto";
import type { JWTPayload } from "jose";
import { EncryptJWT, jwtDecrypt } from "jose";

export interface Seal<T> {
  seal(content: T): Promise<string>;
  /** Null for a text that is too old, or is none of ours. */
  open(text: string): Promise<T | null>;
}

const KEY_BYTES = 32;
const HEADER = { alg: "dir", enc: "A256GCM" } as const;

/**
 * @param secret the database's: every process opens what another sealed
 * @param purpose texts of one purpose are none of another's
 */
export function createSeal<T extends object>(
  secret: string,
  purpose: string,
  { lifetimeMs, now }: { lifetimeMs: number; now: () => number },
): Seal<T> {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", `seal ${purpose}`, KEY_BYTES));
  return {
    seal: (content) =>
      new EncryptJWT({ content })
        .setProtectedHeader(HEADER)
        .setExpirationTime(new Date(now() + lifetimeMs))
        .encrypt(key),
    async open(text) {
      try {
        const { payload } = await jwtDecrypt<JWTPayload & { content: T }>(text, key, {
          keyManagementAlgorithms: [HEADER.alg],
          contentEncryptionAlgorithms: [HEADER.enc],
          requiredClaims: ["exp"],
          currentDate: new Date(now()),
        });
        return payload.content;
      } catch {
        return null;
      }
    },
  };
}
