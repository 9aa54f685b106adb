/** What is known about files; their bytes are elsewhere. Nothing here locks rooms. */
import type { AttachmentPlace, MessageStore } from "../domain/ports/message-store.ts";
import type { Database } from "./database.ts";
import { type AttachmentRow, attachmentList, readStored, visibleRooms } from "./message-rows.ts";

export type AttachmentQueries = Pick<
  MessageStore,
  | "addAttachment"
  | "attachment"
  | "attachments"
  | "attachmentPage"
  | "attachmentPlace"
  | "unwantedFiles"
  | "filesGone"
  | "staleAttachments"
>;

export function createAttachmentQueries(db: Database): AttachmentQueries {
  const { sql } = db;
  const attachments: AttachmentQueries["attachments"] = async (ids) => {
    const rows = await db.read(sql<AttachmentRow[]>`
      select ${attachmentList(sql)} from attachments a where a.id = any (${ids}::text[]) and a.deleted_at is null`);
    return rows.map(readStored);
  };
  return {
    async addAttachment({ id, filename, type, size, createdAt }, owner, most) {
      const { count } = await sql`
        insert into attachments (id, owner, filename, type, size, created_at)
        select ${id}, ${owner}, ${filename}, ${type}, ${size}, ${createdAt}
        where (select count(*) from attachments
               where owner = ${owner} and conversation_id is null and deleted_at is null) < ${most}
        on conflict (id) do nothing`;
      return count > 0;
    },
    attachment: async (id) => (await attachments([id]))[0] ?? null,
    attachments,
    attachmentPage: (owner, rooms, page) => attachmentPage(db, owner, rooms, page),
    async attachmentPlace(id) {
      const [row] = await db.read(sql<AttachmentRow[]>`
        select ${attachmentList(sql)} from attachments a where a.id = ${id}`);
      return row ? readStored(row) : null;
    },
    async unwantedFiles(limit) {
      const rows = await db.read(sql<{ id: string }[]>`
        select id from attachments where deleted_at is not null and not file_gone order by deleted_at limit ${limit}`);
      return rows.map(({ id }) => id);
    },
    async filesGone(ids) {
      await sql`update attachments set file_gone = true where id = any (${ids}::text[])`;
    },
    async staleAttachments(before, limit) {
      const rows = await db.read(sql<{ id: string }[]>`
        select id from attachments where conversation_id is null and deleted_at is null and created_at < ${before}
        order by created_at limit ${limit}`);
      return rows.map(({ id }) => id);
    },
  };
}

async function attachmentPage(
  db: Database,
  owner: string | null,
  rooms: Parameters<MessageStore["attachmentPage"]>[1],
  { after, before, limit }: { after?: AttachmentPlace; before?: AttachmentPlace; limit: number },
) {
  const { sql } = db;
  const cursor = after ?? before;
  const order = before === undefined ? sql`desc` : sql`asc`;
  const beyond =
    cursor === undefined
      ? sql``
      : sql`and (a.created_at, a.id) ${before === undefined ? sql`<` : sql`>`}
            (${cursor.createdAt}::bigint, ${cursor.id}::text)`;
  const rows = await db.read(sql<AttachmentRow[]>`
    select ${attachmentList(sql)} from (
      select a.* from ${visibleRooms(sql, rooms)} as w (room, history_from)
      join attachments a on a.conversation_id = w.room and a.seq > w.history_from
      union all
      select a.* from attachments a where a.owner = ${owner} and a.conversation_id is null
    ) a
    where a.deleted_at is null ${beyond}
    order by a.created_at ${order}, a.id ${order} limit ${limit}`);
  const found = rows.map(readStored);
  return before === undefined ? found : found.reverse();
}
