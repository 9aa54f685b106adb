/**
 * Whose memberships or credentials changed? The safety net below the events of rooms and the hints on users' channels,
 * and the end of sessions whose token was revoked or whose user was deleted [GW-2.8]. Two queries for however many
 * sessions, every few seconds; at once for a user whom a hint names.
 */
import { isUnavailable } from "../domain/errors.ts";
import { createGate } from "../domain/gate.ts";
import type { Store } from "../domain/ports/store.ts";
import type { Logger } from "../logger.ts";
import type { Memberships } from "./membership.ts";
import type { Session } from "./session.ts";
import type { LocalUser, Users } from "./users.ts";

const EVERY_MS = 3_000;
/** Users whose rooms are read again at once. */
const REFRESHES = 4;

export interface AccountWatchOptions {
  store: Pick<Store, "rooms" | "accounts">;
  users: Users;
  memberships: Memberships;
  logger: Pick<Logger, "warn">;
}

export interface AccountWatch {
  /** Looks at these users now. Never rejects. */
  look(users: readonly LocalUser[]): Promise<void>;
  stop(): void;
}

export function watchAccounts({ store, users, memberships, logger }: AccountWatchOptions): AccountWatch {
  const gate = createGate(REFRESHES);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function lookForChanges(some: readonly LocalUser[]): Promise<void> {
    const seen = some.map(({ id, version }) => ({ userId: id, version }));
    const changed = await store.rooms.changedUsers(seen);
    const refreshes = changed.map(async ({ userId, version }) => {
      const user = users.get(userId);
      if (!user) return;
      if (version === null) {
        for (const session of [...user.sessions]) session.end("unauthorized");
        return;
      }
      user.version = version;
      await gate(() => memberships.refresh(user));
    });
    await Promise.all(refreshes);
  }

  async function lookForRevoked(some: readonly LocalUser[]): Promise<void> {
    const sessions = some.flatMap((user) => [...user.sessions]);
    const { tokenIds, loginIds } = credentialsOf(sessions);
    const userIds = some.map(({ id }) => id);
    const invalid = await store.accounts.invalidCredentials({ tokenIds, loginIds, userIds });
    const revoked = {
      tokens: new Set(invalid.tokenIds),
      logins: new Set(invalid.loginIds),
      users: new Set(invalid.userIds),
    };
    for (const session of sessions) if (isRevoked(session, revoked)) session.end("unauthorized");
  }

  async function look(some: readonly LocalUser[]): Promise<void> {
    if (stopped || some.length === 0) return;
    try {
      await Promise.all([lookForChanges(some), lookForRevoked(some)]);
    } catch (error) {
      if (isUnavailable(error)) return;
      logger.warn({ err: error }, "Accounts can't be compared with the store now; they are compared again");
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => void look([...users.all()]).finally(schedule), EVERY_MS);
    timer.unref();
  }
  schedule();

  return {
    look,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function credentialsOf(sessions: readonly Session[]): { tokenIds: number[]; loginIds: number[] } {
  const tokenIds = new Set<number>();
  const loginIds = new Set<number>();
  for (const { identity } of sessions) {
    if (identity?.credential.via === "token") tokenIds.add(identity.credential.tokenId);
    if (identity?.credential.via === "session") loginIds.add(identity.credential.loginId);
  }
  return { tokenIds: [...tokenIds], loginIds: [...loginIds] };
}

function isRevoked(
  { identity }: Session,
  revoked: { tokens: Set<number>; logins: Set<number>; users: Set<number> },
): boolean {
  if (!identity) return false;
  const { credential, user } = identity;
  if (revoked.users.has(user.id)) return true;
  if (credential.via === "token") return revoked.tokens.has(credential.tokenId);
  return credential.via === "session" && revoked.logins.has(credential.loginId);
}
