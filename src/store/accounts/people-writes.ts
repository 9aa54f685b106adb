/** Connections and contacts inside a transaction. */

import type { ConnectionStatus } from "../../domain/model.ts";
import type { PeopleWrites } from "../../domain/ports/store/accounts/people.ts";
import type { TransactionScope } from "../sql/scope.ts";

export function createPeopleWrites({ sql, touchUsers }: TransactionScope): PeopleWrites {
  return {
    async lockConnection(userId, peerId) {
      await sql`
        select pg_advisory_xact_lock(hashtextextended('connection ' || causeway_pair(${userId}, ${peerId}), 0))`;
      const rows = await sql<{ user_id: number; status: ConnectionStatus }[]>`
        select user_id, status from connections
        where (user_id, peer_id) in ((${userId}::bigint, ${peerId}::bigint), (${peerId}::bigint, ${userId}::bigint))`;
      const [count] = await sql<[{ waiting: number; blocked: number }]>`
        select count(*) filter (where status = 'sent') as waiting, count(*) filter (where status = 'blocked') as blocked
        from connections where user_id = ${userId} and status in ('sent', 'blocked')`;
      const statusOf = (id: number) => rows.find((row) => row.user_id === id)?.status ?? null;
      return { mine: statusOf(userId), theirs: statusOf(peerId), ...count };
    },
    async putConnection(userId, peerId, status, message) {
      touchUsers([userId]);
      const [row] = await sql<[{ updated_at: number }]>`
        insert into connections (user_id, peer_id, status, message, updated_at)
        values (${userId}, ${peerId}, ${status}, ${message ?? null}, causeway_journal_time())
        on conflict (user_id, peer_id) do update
        set status = excluded.status, updated_at = greatest(connections.updated_at + 1, excluded.updated_at),
            message = ${message === undefined ? sql`connections.message` : sql`excluded.message`}
        returning updated_at`;
      return row.updated_at;
    },
    async putContact(ownerId, userId, { phoneNumber, avatarUrl, displayName }) {
      const given = {
        ...(phoneNumber !== undefined && { phone_number: phoneNumber }),
        ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
        ...(displayName !== undefined && { display_name: displayName }),
      };
      const { count } = await sql`
        insert into contacts ${sql({ owner_id: ownerId, user_id: userId, ...given })} on conflict do nothing`;
      if (count > 0) return true;
      const { count: revived } = await sql`
        update contacts
        set deleted_at = null, activity = null, phone_number = null, avatar_url = null, display_name = null,
            created_at = causeway_now()
        where owner_id = ${ownerId} and user_id = ${userId} and deleted_at is not null`;
      if (Object.keys(given).length > 0) {
        await sql`update contacts set ${sql(given)} where owner_id = ${ownerId} and user_id = ${userId}`;
      }
      return revived > 0;
    },
    async deleteContact(ownerId, userId, activity) {
      const { count } = await sql`
        update contacts set deleted_at = causeway_now(), activity = ${activity}
        where owner_id = ${ownerId} and user_id = ${userId} and deleted_at is null`;
      return count > 0;
    },
  };
}
