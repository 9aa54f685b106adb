/** Statements about files that are being received in parts. */
import type { AddedFile } from "../../domain/ports/store/messages.ts";
import type {
  StoredUpload,
  UploadPart,
  UploadStore,
  UploadWrites,
} from "../../domain/ports/store/uploads.ts";
import type { Database } from "../sql/database.ts";
import type { Sql } from "../sql/sql.ts";
import { type AttachmentRow, attachmentList, readStored } from "./message-rows.ts";

export function createUploadStore(db: Database): UploadStore {
  const { sql } = db;
  return {
    async begin({ id, owner, filename, type, size, sha256, createdAt, expiresAt }, bounds) {
      const [row] = await sql<[AddedFile]>`
        select status, used from causeway_begin_upload(
          ${id}, ${owner}, ${filename}, ${type}, ${size}, ${sha256}, ${createdAt}, ${expiresAt},
          ${bounds.waiting}, ${bounds.ownerBytes}, ${bounds.organizationBytes})`;
      return row;
    },
    async find(id) {
      const [row] = await db.read(sql<StoredUpload[]>`
        select id, owner, filename, type, size, sha256, received, created_at as "createdAt", expires_at as "expiresAt"
        from uploads where id = ${id}`);
      return row ?? null;
    },
    async addPart(id, { key, start, size }) {
      await sql`insert into upload_parts (key, upload_id, start, size) values (${key}, ${id}, ${start}, ${size})`;
    },
    async takePart(id, key) {
      const [row] = await sql<{ id: string }[]>`
        with moved as (
          update uploads u set received = p.start + p.size from upload_parts p
          where u.id = ${id} and p.key = ${key} and p.upload_id = u.id and p.start = u.received
          returning u.id
        )
        update upload_parts p set taken = true from moved m where p.key = ${key} returning m.id`;
      return row !== undefined;
    },
    parts: (id) =>
      db.read(sql<UploadPart[]>`
        select key, start, size from upload_parts where upload_id = ${id} and taken order by start`),
    async partCount(id) {
      const [{ count }] = await db.read(sql<[{ count: number }]>`
        select count(*) as count from upload_parts where upload_id = ${id}`);
      return count;
    },
    async pin(id, sha256) {
      const rows = await sql`
        update uploads set sha256 = ${sha256} where id = ${id} and (sha256 is null or sha256 = ${sha256}) returning id`;
      return rows.length > 0;
    },
    async restart(id) {
      const rows = await sql<{ key: string }[]>`
        with begun as (update uploads set received = 0 where id = ${id})
        update upload_parts set taken = false where upload_id = ${id} and taken returning key`;
      return rows.map(({ key }) => key);
    },
    async removeExpired(now, limit) {
      const [{ count }] = await sql<[{ count: number }]>`
        with gone as (
          delete from uploads where id in (
            select id from uploads where expires_at <= ${now} order by expires_at limit ${limit} for update skip locked)
          returning id, owner, organization_id, size
        ),
        -- A process may have ended after it stored the whole, which is under the id.
        wholes as (
          insert into upload_parts (key, upload_id, start, size) select id, id, 0, size from gone
        ),
        given as (
          insert into file_usage_changes (key, bytes)
          select k.key, -sum(g.size)
          from gone g cross join lateral (values (g.owner), ('o:' || g.organization_id)) k (key)
          where k.key is not null group by k.key
        )
        select count(*) as count from gone`;
      return count;
    },
    async unwantedParts(limit) {
      const rows = await db.read(sql<{ key: string }[]>`
        select p.key from upload_parts p where not exists (select from uploads u where u.id = p.upload_id)
        limit ${limit}`);
      return rows.map(({ key }) => key);
    },
    async partsGone(keys) {
      await sql`delete from upload_parts where key = any (${keys}::text[])`;
    },
  };
}

export function createUploadWrites({ sql }: { sql: Sql }): UploadWrites {
  return {
    async finish(id, type, createdAt) {
      const [row] = await sql<AttachmentRow[]>`
        with done as (delete from uploads where id = ${id} returning id, owner, organization_id, filename, size),
        a as (
          insert into attachments (id, owner, organization_id, filename, type, size, created_at)
          select d.id, d.owner, d.organization_id, d.filename, ${type}, d.size, ${createdAt}::bigint from done d
          returning *
        )
        select ${attachmentList(sql)} from a`;
      return row ? readStored(row) : null;
    },
  };
}
