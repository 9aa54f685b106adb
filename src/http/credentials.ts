/** Reads what a request shows to prove who it is from. */
import { createHash, timingSafeEqual } from "node:crypto";
import { DomainError } from "../domain/errors.ts";
import type { User } from "../domain/model.ts";
import type { Accounts } from "../domain/use-cases.ts";

/** The token of `Authorization: Bearer …`, or null. */
export function bearerOf(header: string | undefined): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(header ?? "")?.[1] ?? null;
}

/** Takes as long whatever the difference is, the lengths included. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (secret: string) => createHash("sha256").update(secret).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The user behind a personal access token, a login's access token or a JWT. @throws DomainError `unauthorized` */
export async function userOfToken(accounts: Accounts, token: string): Promise<User> {
  const principal = await accounts.authenticate(token);
  if (principal.kind !== "user")
    throw new DomainError("unauthorized", "An organization's token can't act as a person here");
  return principal.user;
}
