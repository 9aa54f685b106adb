/** What somebody does to their own account: the list of their sessions, ending these, and another password. */
import { loginsEnded } from "../auth/ended-logins.ts";
import { isPasswordOf, type PasswordCheck } from "../auth/password-check.ts";
import type { Passwords } from "../auth/passwords.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import type { User } from "../model.ts";
import type { OwnAccount } from "../use-cases/accounts.ts";
import { loginOf, type ProofCheck } from "./proof.ts";

const MAX_SESSIONS = 200;

interface Parts {
  passwords: Passwords;
  checkPassword: PasswordCheck;
  checkProof: ProofCheck;
}

export function createOwnAccount(
  context: Context,
  { passwords, checkPassword, checkProof }: Parts,
): OwnAccount {
  const { store, now } = context;

  /** Whether the user has the new password already: the answer to the same change may have been lost. */
  async function isDone(user: Pick<User, "handle">, next: string, ip: string, refusal: unknown) {
    if (!(refusal instanceof DomainError) || refusal.field !== "old") throw refusal;
    if (await isPasswordOf(checkPassword, user.handle, next, ip)) return true;
    throw refusal;
  }

  return {
    async sessions(userId, credential) {
      const current = loginOf(credential);
      const logins = await store.logins.ofUser(userId, MAX_SESSIONS);
      return logins.map(({ id, device, address, seenAt }) => {
        const isCurrent = id === current;
        return { id, device, address, lastSeen: isCurrent ? now() : seenAt, current: isCurrent };
      });
    },
    async endSessions(userId, which) {
      const logins = "id" in which ? which : { except: loginOf(which.others) };
      const ids = await store.logins.end(userId, logins);
      if (ids.length > 0) await loginsEnded(context, userId, ids);
      return ids.length;
    },
    async changePassword(user, next, proof) {
      const { id } = user;
      const { credential, ip } = proof;
      const refusal = await checkProof(user, proof, "old").then(
        () => null,
        (error: unknown) => error,
      );
      if (refusal !== null && (await isDone(user, next, ip, refusal))) return false;
      const passwordHash = await passwords.hash(next).catch(onNew);
      const kept = loginOf(credential);
      const logins = await store.logins.ofUser(id, Number.MAX_SAFE_INTEGER);
      await store.transaction(async (tx) => {
        if (!(await tx.users.update(id, { passwordHash }))) throw new DomainError("unauthorized");
        await tx.users.endLogins(id, kept);
      });
      await loginsEnded(
        context,
        id,
        logins.flatMap((login) => (login.id === kept ? [] : [login.id])),
      );
      return true;
    },
  };
}

/** The rules of passwords name the field `password`. */
function onNew(error: unknown): never {
  if (!(error instanceof DomainError && error.field === "password")) throw error;
  throw badField("new", error.message.replace(/^password /, ""));
}
