/** State that the parts of one transaction share. ../transaction.ts makes it. */
import type { LoggedEvent } from "../../domain/model.ts";
import type { Sql } from "./sql.ts";

export interface TransactionScope {
  readonly sql: Sql;
  /** @throws Error unless the transaction holds the room's lock; writing without it would break the log's order */
  requireLock(roomId: number): void;
  locked(roomIds: readonly number[]): void;
  /** Raises the users' versions at the end of the transaction, in the order of ids, so that transactions can't deadlock. */
  touchUsers(userIds: readonly (number | null)[]): void;
  /** Notes events that are published after the commit. */
  appended(events: readonly LoggedEvent[]): void;
}
