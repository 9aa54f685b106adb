/** Whose credentials are no longer valid, for whoever lets somebody stay: sessions, and clients that wait. */
import type { Credential, User } from "./model.ts";
import type { AccountStore, OwnedCredential } from "./ports/store.ts";

export interface Holder {
  user: Pick<User, "id" | "uuid">;
  credential: Credential;
}

/**
 * One statement for all of them. After a restore of the database an id may belong to somebody else: users are compared
 * by their uuid as well, tokens and logins by whose they are.
 * @param holderOf null: nobody yet
 * @returns those whose user was deleted or is another one, or whose token or login ended
 */
export async function revokedOf<T>(
  accounts: Pick<AccountStore, "invalidCredentials">,
  some: readonly T[],
  holderOf: (each: T) => Holder | null,
): Promise<T[]> {
  const tokens = new Map<number, OwnedCredential>();
  const logins = new Map<number, OwnedCredential>();
  const users = new Map<string, Holder["user"]>();
  for (const each of some) {
    const holder = holderOf(each);
    if (!holder) continue;
    const { user, credential } = holder;
    users.set(user.uuid, user);
    if (credential.via === "token")
      tokens.set(credential.tokenId, { id: credential.tokenId, userId: user.id });
    if (credential.via === "session")
      logins.set(credential.loginId, { id: credential.loginId, userId: user.id });
  }
  const invalid = await accounts.invalidCredentials({
    tokens: [...tokens.values()],
    logins: [...logins.values()],
    users: [...users.values()],
  });
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
    return credential.via === "session" && revoked.logins.has(credential.loginId);
  });
}
