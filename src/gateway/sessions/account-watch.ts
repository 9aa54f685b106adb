/**
 * Whose memberships, credentials or name changed? The safety net below the events of rooms and the hints on users' channels,
 * and the end of sessions whose token was revoked or whose user was deleted [GW-2.8]. Two queries for however many
 * sessions, every few seconds, and one for those who changed; at once for a user whom a hint names.
 */

import { revokedOf } from "../../domain/auth/revoked.ts";
import { isUnavailable } from "../../domain/errors.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import { createSemaphore } from "../../domain/semaphore.ts";
import type { Logger } from "../../logger.ts";
import type { UserShape } from "../frames/user.ts";
import type { Memberships } from "./membership.ts";
import type { LocalUser } from "./session.ts";
import type { Users } from "./users.ts";

const EVERY_MS = 3_000;
/** Users whose rooms are read again at once. */
const MAX_REFRESHES = 4;

export interface AccountWatchOptions {
  store: Pick<Store, "users" | "credentials">;
  users: Users;
  memberships: Memberships;
  shape: Pick<UserShape, "self">;
  logger: Pick<Logger, "warn">;
  everyMs?: number | undefined;
}

export interface AccountWatch {
  stop(): void;
}

export function watchAccounts(options: AccountWatchOptions): AccountWatch {
  const { store, users, memberships, shape, logger, everyMs = EVERY_MS } = options;
  const refreshing = createSemaphore(MAX_REFRESHES);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function lookForChanges(some: readonly LocalUser[]): Promise<void> {
    const seen = some.map(({ id, version }) => ({ userId: id, version }));
    const changed = await store.users.changed(seen);
    await rename(changed.flatMap(({ userId, version }) => (version === null ? [] : [userId])));
    const refreshes = changed.map(async ({ userId, version }) => {
      const user = users.get(userId);
      if (!user) return;
      if (version === null) {
        for (const session of [...user.sessions]) session.close("unauthorized");
        return;
      }
      user.version = version;
      await refreshing(() => memberships.refresh(user));
    });
    await Promise.all(refreshes);
  }

  /** [GW-8.6] For those who are in no room, or whose gateway did not hear of it. */
  async function rename(ids: number[]): Promise<void> {
    for (const user of ids.length === 0 ? [] : await store.users.byIds(ids)) {
      for (const session of users.rename(user.id, user.displayName)) {
        if (session.state === "ready") session.send({ op: "user", user: shape.self(user) });
      }
    }
  }

  async function lookForRevoked(some: readonly LocalUser[]): Promise<void> {
    const sessions = some.flatMap((user) => [...user.sessions]);
    const revoked = await revokedOf(store.credentials, sessions, ({ identity }) => identity);
    for (const session of revoked) session.close("unauthorized");
  }

  /** Never rejects. */
  async function look(some: readonly LocalUser[]): Promise<void> {
    if (stopped || some.length === 0) return;
    try {
      await Promise.all([lookForChanges(some), lookForRevoked(some)]);
    } catch (error) {
      if (isUnavailable(error)) return;
      logger.warn(
        { event: "accounts.compare_failed", err: error },
        "could not compare the accounts of sessions with the store; retrying",
      );
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => void look([...users.all()]).finally(schedule), everyMs);
    timer.unref();
  }
  users.listen({ changed: (user) => void look([user]) });
  schedule();

  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
