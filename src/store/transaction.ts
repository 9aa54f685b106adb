/** The domain's transaction: its writes, the users' versions that it raises, and the events that it publishes. */

import type { LoggedEvent } from "../domain/model.ts";
import type { StoreTransaction } from "../domain/ports/store/transaction.ts";
import { createDeletionWrites } from "./accounts/deletions.ts";
import { createMatrixPeopleWrites } from "./accounts/matrix-people.ts";
import { createOrganizationWrites } from "./accounts/organization-writes.ts";
import { createPeopleWrites } from "./accounts/people-writes.ts";
import { createUserWrites } from "./accounts/user-writes.ts";
import { createEventWrites } from "./log/event-writes.ts";
import type { Publisher } from "./log/publisher.ts";
import { createUploadWrites } from "./log/uploads.ts";
import { createMessageWrites } from "./messages/message-writes.ts";
import { createRoomFinds } from "./rooms/room-finds.ts";
import { createRoomWrites } from "./rooms/room-writes.ts";
import { createVisitWrites } from "./rooms/visits.ts";
import type { Database } from "./sql/database.ts";
import type { TransactionScope } from "./sql/scope.ts";
import type { Sql } from "./sql/sql.ts";
import { createWebhookWrites } from "./webhooks/webhooks.ts";

/** Runs `work`, raises the versions of the users that it touched, commits, and publishes its events. */
export async function runTransaction<T>(
  db: Database,
  publisher: Publisher,
  work: (tx: StoreTransaction) => Promise<T>,
): Promise<T> {
  const { result, events } = await db.transaction(async (sql) => {
    const rooms = new Set<number>();
    const users = new Set<number>();
    const events: LoggedEvent[] = [];
    const scope: TransactionScope = {
      sql,
      requireLock(roomId) {
        if (!rooms.has(roomId)) {
          throw new Error(`Room ${roomId} is not locked by this transaction; call lockRooms first`);
        }
      },
      locked: (roomIds) => {
        for (const id of roomIds) rooms.add(id);
      },
      touchUsers: (userIds) => {
        for (const id of userIds) if (id !== null) users.add(id);
      },
      appended: (more) => events.push(...more),
    };
    const result = await work({
      ...createRoomWrites(scope),
      ...createEventWrites(scope),
      ...createRoomFinds(scope),
      users: createUserWrites(scope),
      organizations: createOrganizationWrites(scope),
      deletions: createDeletionWrites(scope),
      messages: createMessageWrites(scope),
      uploads: createUploadWrites(scope),
      people: createPeopleWrites(scope),
      matrixPeople: createMatrixPeopleWrites(scope),
      visits: createVisitWrites(scope),
      webhooks: createWebhookWrites(scope),
    });
    await raiseVersions(sql, [...users]);
    return { result, events };
  });
  publisher.publish(events);
  return result;
}

async function raiseVersions(sql: Sql, userIds: number[]): Promise<void> {
  if (userIds.length === 0) return;
  await sql`
    with locked as materialized (
      select user_id from user_heads where user_id = any (${userIds}::bigint[]) order by user_id for no key update
    )
    update user_heads h set version = h.version + 1 from locked l where h.user_id = l.user_id`;
}
