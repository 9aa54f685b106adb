/** What the parts of one transaction share: it is made by ../transaction.ts. */
import type { LoggedEvent } from "../../domain/model.ts";
import type { Sql } from "./sql.ts";

export interface TransactionScope {
  readonly sql: Sql;
  /** Throws unless the transaction holds the room's lock: writing without it would break the log's order. */
  requireLock(conversationId: number): void;
  locked(conversationIds: readonly number[]): void;
  /** The users' versions are raised once, at the end, in the order of ids: two transactions can't deadlock on them. */
  touchUsers(userIds: readonly (number | null)[]): void;
  /** Events to publish after the commit. */
  appended(events: readonly LoggedEvent[]): void;
}
