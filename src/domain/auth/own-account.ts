/** What somebody does to their own account: the list of their sessions, ending these, and another password. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import type { Credential } from "../model.ts";
import type { Accounts } from "../use-cases/accounts.ts";
import { isPasswordOf, type PasswordCheck } from "./password-check.ts";
import type { Passwords } from "./passwords.ts";

const MAX_SESSIONS = 200;

type OwnAccount = Pick<Accounts, "sessions" | "endSessions" | "changePassword" | "noteSeen">;

export function createOwnAccount(
  context: Context,
  passwords: Passwords,
  checkPassword: PasswordCheck,
): OwnAccount {
  const { store, hot, now } = context;

  /** Makes every gateway check the user's sessions. Access tokens in hot state are invalid without their logins. */
  async function ended(userId: number, logins: readonly number[]): Promise<void> {
    context.broadcasts.userChanged(userId);
    await context.bestEffort("Ending the access tokens of logins", () =>
      Promise.all(logins.map((id) => hot.tokens.dropLogin(id))),
    );
  }

  const isRight = (handle: string, password: string, ip: string) =>
    isPasswordOf(checkPassword, handle, password, ip);

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
      if (ids.length > 0) await ended(userId, ids);
      return ids.length;
    },
    async changePassword({ id, handle }, { old, new: next }, { ip, credential }) {
      if (!(await isRight(handle, old, ip))) {
        // The answer to the same change may have been lost.
        if (await isRight(handle, next, ip)) return false;
        throw new DomainError("forbidden", "The password is wrong", { field: "old" });
      }
      const passwordHash = await passwords.hash(next).catch(onNew);
      const kept = loginOf(credential);
      const logins = await store.logins.ofUser(id, Number.MAX_SAFE_INTEGER);
      await store.transaction(async (tx) => {
        if (!(await tx.users.update(id, { passwordHash }))) throw new DomainError("unauthorized");
        await tx.users.endLogins(id, kept);
      });
      await ended(
        id,
        logins.flatMap((login) => (login.id === kept ? [] : [login.id])),
      );
      return true;
    },
    async noteSeen(seen) {
      const at = now();
      await context.bestEffort("Noting when logins were used", () =>
        store.logins.noteSeen(seen.map(({ loginId: id, ...each }) => ({ ...each, id, seenAt: at }))),
      );
    },
  };
}

function loginOf(credential: Credential): number | null {
  return credential.via === "session" ? credential.loginId : null;
}

/** The rules of passwords name the field `password`. */
function onNew(error: unknown): never {
  if (!(error instanceof DomainError && error.field === "password")) throw error;
  throw badField("new", error.message.replace(/^password /, ""));
}
