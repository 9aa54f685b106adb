/** Reads the credentials of requests. */
import { createHash, timingSafeEqual } from "node:crypto";
import { DomainError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/model.ts";
import type { Accounts } from "../../domain/use-cases/accounts.ts";

/** The token of `Authorization: Bearer …`, or null. */
export function bearerOf(header: string | undefined): string | null {
  const [scheme] = /^Bearer +/i.exec(header ?? "") ?? [];
  return (scheme && header?.slice(scheme.length).trimEnd()) || null;
}

/** Compares in constant time, also for different lengths. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (secret: string) => createHash("sha256").update(secret).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

export type UserPrincipal = Extract<Principal, { kind: "user" }>;

/** The user behind a login's access token, a personal access token or a JWT. @throws DomainError `unauthorized` */
export async function authenticateUser(accounts: Accounts, token: string): Promise<UserPrincipal> {
  const principal = await accounts.authenticate(token);
  if (principal.kind === "user") return principal;
  throw new DomainError("unauthorized", "An organization's token can't act as a person here");
}
