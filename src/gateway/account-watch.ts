/**
 * Every few seconds: whose memberships or credentials changed? The safety net below the hints on users' channels, and
 * the end of sessions whose token was revoked or whose user was deleted [GW-2.8]. Two queries, however many sessions.
 */
import type { Store } from "../domain/ports/store.ts";
import type { Logger } from "../logger.ts";
import { createGate } from "./gate.ts";
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

/** @returns how to stop */
export function watchAccounts({ store, users, memberships, logger }: AccountWatchOptions): () => void {
  const gate = createGate(REFRESHES);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function lookForChanges(): Promise<void> {
    const seen = [...users.all()].map(({ id, version }) => ({ userId: id, version }));
    const changed = await store.rooms.changedUsers(seen);
    await Promise.all(
      changed.map(({ userId, version }) => {
        const user = users.get(userId);
        if (version === null) endAll(user);
        if (!user || version === null) return null;
        user.version = version;
        return gate(() => memberships.refresh(user));
      }),
    );
  }

  async function lookForRevoked(): Promise<void> {
    const sessions = [...users.all()].flatMap((user) => [...user.sessions]);
    const tokenIds = new Set<number>();
    const loginIds = new Set<number>();
    for (const { identity } of sessions) {
      if (identity?.credential.via === "token") tokenIds.add(identity.credential.tokenId);
      if (identity?.credential.via === "session") loginIds.add(identity.credential.loginId);
    }
    const invalid = await store.accounts.invalidCredentials({
      tokenIds: [...tokenIds],
      loginIds: [...loginIds],
      userIds: [...users.all()].map(({ id }) => id),
    });
    const gone = {
      tokens: new Set(invalid.tokenIds),
      logins: new Set(invalid.loginIds),
      users: new Set(invalid.userIds),
    };
    for (const session of sessions) if (isRevoked(session, gone)) session.end("unauthorized");
  }

  async function look(): Promise<void> {
    try {
      if (![...users.all()].some((user) => user.sessions.size > 0)) return;
      await Promise.all([lookForChanges(), lookForRevoked()]);
    } catch (error) {
      logger.warn({ err: error }, "Accounts can't be compared with the store now; they are compared again");
    } finally {
      schedule();
    }
  }
  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => void look(), EVERY_MS);
    timer.unref();
  }
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function endAll(user: LocalUser | undefined): void {
  for (const session of [...(user?.sessions ?? [])]) session.end("unauthorized");
}

function isRevoked(
  { identity }: Session,
  gone: { tokens: Set<number>; logins: Set<number>; users: Set<number> },
): boolean {
  if (!identity) return false;
  const { credential, user } = identity;
  if (gone.users.has(user.id)) return true;
  if (credential.via === "token") return gone.tokens.has(credential.tokenId);
  return credential.via === "session" && gone.logins.has(credential.loginId);
}
