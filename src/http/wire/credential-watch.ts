/** Ends those who wait with credentials that are no longer valid: one query for all of them, every few seconds. */
import { isUnavailable } from "../../domain/errors.ts";
import type { Credential, User } from "../../domain/model.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { AccountStore } from "../../domain/ports/store.ts";
import type { Logger } from "../../logger.ts";

const EVERY_MS = 5_000;

export interface Watched {
  user: Pick<User, "id">;
  credential: Credential;
  end(why: "revoked"): void;
}

/** `changed` is to be called whenever the set changed; nothing runs while it is empty. */
export function watchCredentials(
  accounts: Pick<AccountStore, "invalidCredentials">,
  clock: Clock,
  watched: ReadonlySet<Watched>,
  logger: Pick<Logger, "warn">,
): { changed(): void } {
  let timer: NodeJS.Timeout | null = null;

  async function look(): Promise<void> {
    const all = [...watched];
    const credentials = all.map(({ credential }) => credential);
    const invalid = await accounts.invalidCredentials({
      tokenIds: unique(credentials.flatMap((one) => (one.via === "token" ? one.tokenId : []))),
      loginIds: unique(credentials.flatMap((one) => (one.via === "session" ? one.loginId : []))),
      userIds: unique(all.map(({ user }) => user.id)),
    });
    const revoked = {
      tokens: new Set(invalid.tokenIds),
      logins: new Set(invalid.loginIds),
      users: new Set(invalid.userIds),
    };
    for (const one of all) if (isOver(one, revoked, clock.now())) one.end("revoked");
  }

  function schedule(): void {
    timer = null;
    if (watched.size === 0) return;
    timer = setTimeout(() => {
      look()
        .catch((error) => {
          if (isUnavailable(error)) return;
          logger.warn({ err: error }, "Credentials can't be compared now; they are compared again");
        })
        .finally(schedule);
    }, EVERY_MS);
    timer.unref();
  }

  return {
    changed() {
      if (watched.size === 0 && timer) {
        clearTimeout(timer);
        timer = null;
      } else if (watched.size > 0 && !timer) schedule();
    },
  };
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)];
}

/** An access token may run out while its client waits: it proves who connected, and its login goes on. */
function isOver(
  { user, credential }: Watched,
  revoked: { tokens: ReadonlySet<number>; logins: ReadonlySet<number>; users: ReadonlySet<number> },
  now: number,
): boolean {
  if (revoked.users.has(user.id)) return true;
  if (credential.via === "token") return revoked.tokens.has(credential.tokenId);
  if (credential.via === "session") return revoked.logins.has(credential.loginId);
  return credential.via === "jwt" && credential.expiresAt <= now;
}
