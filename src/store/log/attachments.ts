/** Statements about files, without their bytes. None of them locks rooms. */
import type {
  AddedFile,
  AttachmentPlace,
  MessageStore,
  UnwantedFile,
} from "../../domain/ports/store/messages.ts";
import type { Database } from "../sql/database.ts";
import type { Row } from "../sql/rows.ts";
import type { Fragment, Sql, Statement } from "../sql/sql.ts";
import { type AttachmentRow, attachmentList, isVisible, readStored, visibleRooms } from "./message-rows.ts";

export type AttachmentQueries = Pick<
  MessageStore,
  | "addAttachment"
  | "attachment"
  | "attachments"
  | "attachmentPage"
  | "attachmentPlace"
  | "needsContent"
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
    async addAttachment({ id, owner, filename, type, size, createdAt, room }, bounds) {
      const [row] = await sql<[AddedFile]>`
        select status, used from causeway_add_file(
          ${id}, ${owner}, ${filename}, ${type}, ${size}, ${createdAt}, ${room},
          ${bounds.waiting}, ${bounds.ownerBytes}, ${bounds.organizationBytes})`;
      return row;
    },
    attachment: async (id) => (await attachments([id]))[0] ?? null,
    attachments,
    attachmentPage: (owner, rooms, page) => attachmentPage(db, owner, rooms, page),
    async attachmentPlace(id) {
      const [row] = await db.read(sql<AttachmentRow[]>`
        select ${attachmentList(sql)} from attachments a where a.id = ${id}`);
      return row ? readStored(row) : null;
    },
    async needsContent(content) {
      const [row] = await db.read(sql<[{ needed: boolean }]>`select ${isNeeded(sql, content)} as needed`);
      return row.needed;
    },
    unwantedFiles: (limit) =>
      db.read(sql<UnwantedFile[]>`
        select f.id, case when ${isNeeded(sql, sql.unsafe("f.content"))} then null else f.content end as content
        from (
          select id, coalesce(content, id) as content, deleted_at from attachments
          where deleted_at is not null and not file_gone order by deleted_at limit ${limit}
        ) f
        order by f.deleted_at`),
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

/** Whether a file that is not deleted has its bytes under this key. */
function isNeeded(sql: Sql, content: string | Fragment): Fragment {
  return sql`
    (exists (select from attachments o where o.id = ${content} and o.deleted_at is null)
     or exists (select from attachments s where s.content = ${content} and s.deleted_at is null))`.fragment;
}

/**
 * A statement that deletes attachments and gives their bytes back to the quotas. Their rows stay, without names, until
 * the bytes of the files are removed too, which another file may still need. Locks the rows in the order of their ids, as
 * who shares the bytes of several files does.
 * @param which the condition for attachments to delete
 * @param also statements (`name as (…),`) that run in the same statement
 */
export function removeFiles(sql: Sql, which: Statement<Row[]>, also: Statement<Row[]> = sql``) {
  return sql`
    with ${also} held as (
      select id from attachments where ${which} and deleted_at is null order by id for no key update
    ),
    gone as (
      update attachments a set deleted_at = causeway_now(), filename = '' from held h
      where a.id = h.id and a.deleted_at is null
      returning a.owner, a.organization_id, a.size
    )
    insert into file_usage_changes (key, bytes)
    select k.key, -sum(g.size)
    from gone g cross join lateral (values (g.owner), ('o:' || g.organization_id)) k (key)
    where k.key is not null group by k.key`;
}

/** Changes that one call of {@link foldFileUsage} looks at. */
const FOLD_CHANGES = 500;

/** Adds up the bytes that deleted files gave back. An upload does it for its owner, but some owners never upload again. */
export async function foldFileUsage({ sql }: Pick<Database, "sql">): Promise<void> {
  await sql`
    select causeway_hold_file_usage(k.keys)
    from (select array_agg(distinct c.key) as keys from (select key from file_usage_changes order by id limit ${FOLD_CHANGES}) c) k
    where k.keys is not null`;
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
      select a.* from ${visibleRooms(sql, rooms)} as w (room, history_from, hidden_by)
      join attachments a on a.conversation_id = w.room and a.seq > w.history_from and ${isVisible(sql, "a")}
      union all
      select a.* from attachments a where a.owner = ${owner} and a.conversation_id is null
    ) a
    where a.deleted_at is null ${beyond}
    order by a.created_at ${order}, a.id ${order} limit ${limit}`);
  const found = rows.map(readStored);
  return before === undefined ? found : found.reverse();
}
