/**
 * What people show before they change how their account is signed in to, or delete it: the password, or for people without
 * one (an identity provider or an outside issuer signs them in) that they signed in a moment ago [GW-17.11].
 */
import { isPasswordOf, type PasswordCheck } from "../auth/password-check.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import type { Credential, User } from "../model.ts";
import type { OwnProof } from "../use-cases/accounts.ts";

/**
 * @param field what the face calls the password
 * @throws DomainError on `field`: `bad_request` when the user has a password and gives none, `forbidden` when it is another.
 *   `unauthorized` when the user has none and has to sign in again; `rate_limited`; `busy`
 */
export type ProofCheck = (user: Pick<User, "id" | "handle">, proof: OwnProof, field: string) => Promise<void>;

const RECENT_MS = 600_000;
/** How much the clock of an issuer may be ahead of this one. */
const CLOCKS_DIFFER_MS = 60_000;

export function createProofCheck(
  { store, now }: Pick<Context, "store" | "now">,
  checkPassword: PasswordCheck,
): ProofCheck {
  function isRecent(at: number | null): boolean {
    return at !== null && at > now() - RECENT_MS && at <= now() + CLOCKS_DIFFER_MS;
  }

  return async ({ id, handle }, { password, ip, credential }, field) => {
    const found = await store.logins.waysOf(id, loginOf(credential));
    if (!found) throw new DomainError("unauthorized", "The account was deleted");
    if (found.hasPassword) {
      if (password === undefined) throw badField(field, "is required, because you have a password");
      if (!(await isPasswordOf(checkPassword, handle, password, ip)))
        throw new DomainError("forbidden", "The password is wrong", { field });
    } else if (!isRecent(credential.via === "jwt" ? (credential.authenticatedAt ?? null) : found.startedAt)) {
      throw new DomainError(
        "unauthorized",
        "Sign in again: you have no password, so the sign-in must be at most 10 minutes old",
      );
    }
  };
}

/** The login of a credential; null for one that is none. */
export function loginOf(credential: Credential): number | null {
  return credential.via === "session" ? credential.loginId : null;
}
