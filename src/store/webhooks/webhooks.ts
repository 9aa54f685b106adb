/** Webhooks and their notes. message-logs.ts reads the logs for them; delivery-queues.ts holds the waiting deliveries. */
import type { Webhook } from "../../domain/model.ts";
import type { WebhookNote, WebhookStore, WebhookWrites } from "../../domain/ports/store/webhooks.ts";
import type { Database } from "../sql/database.ts";
import { columns, noun, type Row, USER, WEBHOOK } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import { createDeliveryQueues, enqueue } from "./delivery-queues.ts";
import { createWebhookLogs } from "./message-logs.ts";

export function createWebhookStore(db: Database): WebhookStore {
  const { sql } = db;
  const list = columns(sql, "w", WEBHOOK);
  return {
    ...createWebhookLogs(db),
    ...createDeliveryQueues(db),
    async create({ organizationId, url, events, secret }, most) {
      const [row] = await db.transaction(async (tx) => {
        // The lock of the organization's row lets two creations at once be counted one after the other.
        await tx`select from organizations where id = ${organizationId} for no key update`;
        return await tx<Row[]>`
          insert into webhooks as w (organization_id, url, events, secret)
          select id, ${url}, ${events}::text[], ${secret} from organizations
          where id = ${organizationId}
            and (select count(*) from webhooks where organization_id = ${organizationId}) < ${most}
          returning ${list}`;
      });
      return row ? noun(row, "w", WEBHOOK) : null;
    },
    async list({ organizationId, limit, after }) {
      const rows = await db.read(sql<Row[]>`
        select ${list} from webhooks w
        where w.id > ${after}
          and (${organizationId ?? null}::bigint is null or w.organization_id = ${organizationId ?? null})
        order by w.id limit ${limit}`);
      return rows.map((row) => noun(row, "w", WEBHOOK));
    },
    async update(id, { url, events, secret }) {
      const [row] = await sql<Row[]>`
        update webhooks w
        set url = coalesce(${url ?? null}, w.url), secret = coalesce(${secret ?? null}, w.secret),
            events = ${events === undefined ? sql`w.events` : sql`${events}::text[]`}
        where w.id = ${id} returning ${list}`;
      return row ? noun(row, "w", WEBHOOK) : null;
    },
    delete: async (id) => (await sql`delete from webhooks where id = ${id}`).count > 0,
    async backlog() {
      const [row] = await db.read(sql<[{ waiting: number; oldestMs: number }]>`
        select (select count(*) from (select from webhook_deliveries limit 10000) d) as waiting,
               coalesce((select greatest(0, causeway_now() - created_at) from webhook_deliveries order by id limit 1), 0)
                 as "oldestMs"`);
      return row;
    },
    async any() {
      const [row] = await db.read(sql<[{ any: boolean }]>`select exists (select from webhooks) as any`);
      return row.any;
    },
    notes: (limit) => notes(db, limit),
    async settleNote(id, deliveries) {
      return await db.transaction(async (tx) => {
        const [note] = await tx<{ room: number }[]>`
          delete from webhook_notes where id = ${id} returning coalesce(conversation_id, 0) as room`;
        if (!note) return false;
        for (const { webhookId, ...delivery } of deliveries) {
          await enqueue(tx, webhookId, note.room, [delivery]);
        }
        return true;
      });
    },
  };
}

async function notes(db: Database, limit: number): Promise<WebhookNote[]> {
  const { sql } = db;
  const rows = await db.read(sql<Row[]>`
    select n.id, n.type, n.conversation_id, n.data, ${columns(sql, "u", USER)}, ${columns(sql, "w", WEBHOOK)}
    from (select * from webhook_notes order by id limit ${limit}) n
    join users u on u.id = n.user_id
    left join organization_users o on o.user_id = n.user_id
    left join webhooks w on w.organization_id = o.organization_id
      and (w.events is null or n.type = any (w.events))
    order by n.id, w.id`);
  const found = new Map<number, WebhookNote>();
  for (const row of rows) {
    const id = row.id as number;
    const note = found.get(id) ?? {
      ...{ id, type: row.type as WebhookNote["type"], roomId: row.conversation_id as number | null },
      ...{ viewer: noun(row, "u", USER), data: JSON.parse(row.data as string) as unknown, webhooks: [] },
    };
    if (row["w.id"] !== null) note.webhooks.push(noun<Webhook>(row, "w", WEBHOOK));
    found.set(id, note);
  }
  return [...found.values()];
}

/** Notes for webhooks about changes outside of the logs, inside a transaction. */
export function createWebhookWrites({ sql }: TransactionScope): WebhookWrites {
  return {
    async note({ type, userId, roomId, data }) {
      await sql`
        insert into webhook_notes (type, user_id, conversation_id, data)
        select ${type}, ${userId}, ${roomId}, ${JSON.stringify(data)} where exists (select from webhooks)`;
    },
  };
}
