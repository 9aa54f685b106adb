/** Whose credentials are no longer valid, for whoever lets somebody stay: sessions, and clients that wait. */
import type { Credential, User } from "../model.ts";
import type { CredentialStore, OwnedCredential } from "../ports/store/credentials.ts";

type PresentedCredentials = Parameters<CredentialStore["invalid"]>[0];

export interface Holder {
  user: Pick<User, "id" | "uuid">;
  credential: Credential;
}

/**
 * One statement for all of them. After a restore of the database an id may belong to somebody else: users are compared
 * by their uuid as well, tokens and logins by whose they are.
 * @param holderOf null: nobody yet
 * @returns those whose user was deleted or is another one, whose token or login ended, or all of whose logins were ended
 *   since they proved who they are
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

/** What is asked about: each credential and user of the holders once. */
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

/** When somebody proved who they are, for what nothing is kept of. Null: it is not known, or kept. */
function provenAt(credential: Credential): number | null {
  if (credential.via === "jwt") return credential.issuedAt ?? null;
  return credential.via === "password" ? (credential.checkedAt ?? null) : null;
}

/** Whether all logins of the user were ended since. */
export function isOver(provenAt: number | null, loginsEndedAt: number | null): boolean {
  return provenAt !== null && loginsEndedAt !== null && provenAt <= loginsEndedAt;
}
