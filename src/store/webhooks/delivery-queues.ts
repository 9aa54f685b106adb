/** Deliveries that wait for webhooks. A queue (one webhook, one room) belongs to one process at a time. Table: webhook_lanes. */
import type {
  Delivery,
  DeliveryQueue,
  NewDelivery,
  WebhookStore,
} from "../../domain/ports/store/webhooks.ts";
import type { Database } from "../sql/database.ts";
import type { Sql } from "../sql/sql.ts";

type DeliveryQueues = Pick<WebhookStore, "claim" | "waiting" | "delivered" | "release">;

export function createDeliveryQueues(db: Database): DeliveryQueues {
  const { sql } = db;
  return {
    async claim(limit, leaseMs, busy) {
      return await sql<DeliveryQueue[]>`
        with due as materialized (
          select webhook_id, conversation_id from webhook_lanes
          where next_at <= causeway_now() and leased_until <= causeway_now() and webhook_id <> all (${busy}::bigint[])
          order by next_at limit ${limit} for update skip locked
        )
        update webhook_lanes l set leased_until = causeway_now() + ${leaseMs}, lease = l.lease + 1
        from due d join webhooks w on w.id = d.webhook_id
        where l.webhook_id = d.webhook_id and l.conversation_id = d.conversation_id
        returning l.webhook_id as "webhookId", l.conversation_id as "roomId", l.attempts, l.lease, w.url, w.secret`;
    },
    async waiting({ webhookId, roomId }, limit) {
      return await db.read(sql<Delivery[]>`
        select id, event_id as "eventId", type, body, about::json from webhook_deliveries
        where webhook_id = ${webhookId} and conversation_id = ${roomId} order by id limit ${limit}`);
    },
    async delivered({ webhookId, roomId, lease }, deliveryId) {
      await sql`delete from webhook_deliveries where id = ${deliveryId}`;
      const { count } = await sql`
        update webhook_lanes set attempts = 0
        where webhook_id = ${webhookId} and conversation_id = ${roomId} and lease = ${lease}`;
      return count > 0;
    },
    async release({ webhookId, roomId, lease }, afterMs) {
      await db.transaction(async (tx) => {
        const { count } = await tx`
          select from webhook_lanes
          where webhook_id = ${webhookId} and conversation_id = ${roomId} and lease = ${lease} for update`;
        if (count === 0) return;
        // A separate statement, so that it sees deliveries that came into the queue while this one waited for the lock.
        await tx`
          update webhook_lanes
          set leased_until = 0, attempts = ${afterMs === null ? sql`0` : sql`attempts + 1`},
              next_at = case when exists (
                select from webhook_deliveries where webhook_id = ${webhookId} and conversation_id = ${roomId}
              ) then causeway_now() + ${afterMs ?? 0} end
          where webhook_id = ${webhookId} and conversation_id = ${roomId}`;
      });
    },
  };
}

/** Puts deliveries at the end of a queue, which is made if missing, and makes it due. */
export async function enqueue(
  tx: Sql,
  webhookId: number,
  roomId: number,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  if (deliveries.length === 0) return;
  const { count } = await tx`
    insert into webhook_lanes as l (webhook_id, conversation_id, reading, next_at)
    select id, ${roomId}, false, causeway_now() from webhooks where id = ${webhookId}
    on conflict (webhook_id, conversation_id) do update set next_at = coalesce(l.next_at, excluded.next_at)`;
  if (count === 0) return;
  await tx`
    insert into webhook_deliveries (webhook_id, conversation_id, event_id, type, body, about)
    select ${webhookId}, ${roomId}, k.event_id, k.type, k.body, k.about
    from unnest(${deliveries.map(({ eventId }) => eventId)}::text[], ${deliveries.map(({ type }) => type)}::text[],
                ${deliveries.map(({ body }) => body)}::text[],
                ${deliveries.map(({ about }) => about && JSON.stringify(about))}::text[])
      with ordinality as k (event_id, type, body, about, ord)
    order by k.ord`;
}
