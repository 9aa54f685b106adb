/** Finds holders of revoked credentials, for parts that keep them connected: sessions and long polls. */
import type { Credential, Holder } from "../model.ts";
import type { CredentialStore, OwnedCredential } from "../ports/store/accounts/credentials.ts";

type PresentedCredentials = Parameters<CredentialStore["invalid"]>[0];

/**
 * Checks all holders with one statement. After a restore of the database an id may belong to somebody else, so users are
 * also compared by uuid, and tokens and logins by user.
 * @param holderOf null when an item has no holder yet
 * @returns items whose user was deleted, whose token or login ended, or whose user ended all logins after the credential
 *   was issued
 */
export async function revokedOf<T>(
  credentials: Pick<CredentialStore, "invalid">,
  some: readonly T[],
  holderOf: (each: T) => Holder | null,
): Promise<T[]> {
  const invalid = await credentials.invalid(presentedBy(some, holderOf));
  const ended = new Map(invalid.ended.map(({ userId, at }) => [userId, at]));
  const revoked = {
    tokens: new Set(invalid.tokenIds),
    logins: new Set(invalid.loginIds),
    users: new Set(invalid.userUuids),
  };
  return some.filter((each) => {
    const holder = holderOf(each);
    if (!holder) return false;
    const { user, credential } = holder;
    if (revoked.users.has(user.uuid)) return true;
    if (credential.via === "token") return revoked.tokens.has(credential.tokenId);
    if (credential.via === "session") return revoked.logins.has(credential.loginId);
    return isOver(provenAt(credential), ended.get(user.id) ?? null);
  });
}

/** The credentials and users of the holders, each once. */
function presentedBy<T>(some: readonly T[], holderOf: (each: T) => Holder | null): PresentedCredentials {
  const tokens = new Map<number, OwnedCredential>();
  const logins = new Map<number, OwnedCredential>();
  const users = new Map<string, Holder["user"]>();
  const dated = new Set<number>();
  for (const each of some) {
    const holder = holderOf(each);
    if (!holder) continue;
    const { user, credential } = holder;
    users.set(user.uuid, user);
    if (credential.via === "token")
      tokens.set(credential.tokenId, { id: credential.tokenId, userId: user.id });
    if (credential.via === "session")
      logins.set(credential.loginId, { id: credential.loginId, userId: user.id });
    if (provenAt(credential) !== null) dated.add(user.id);
  }
  return {
    tokens: [...tokens.values()],
    logins: [...logins.values()],
    users: [...users.values()],
    dated: [...dated],
  };
}

/** When a credential without a row in the store was issued or checked, ms. Null: unknown, or it has a row. */
function provenAt(credential: Credential): number | null {
  if (credential.via === "jwt") return credential.issuedAt ?? null;
  return credential.via === "password" ? (credential.checkedAt ?? null) : null;
}

/** Whether all logins of the user were ended after `provenAt`. */
export function isOver(provenAt: number | null, loginsEndedAt: number | null): boolean {
  return provenAt !== null && loginsEndedAt !== null && provenAt <= loginsEndedAt;
}
