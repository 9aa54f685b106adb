/** Writes of reactions, pins, expiries and attachments, inside a transaction that holds the lock of the room. */

import { dataOf } from "../../domain/event-data.ts";
import { memberKey, shownAttachment } from "../../domain/model.ts";
import type { MessageWrites, SharedFiles } from "../../domain/ports/store/messages.ts";
import { removeFiles } from "../log/attachments.ts";
import { eventList } from "../log/log.ts";
import {
  type AttachmentRow,
  attachmentList,
  placeList,
  reactionsQuery,
  readReaction,
  readStored,
} from "../log/message-rows.ts";
import { type EventRow, loggedEvent } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";

export function createMessageWrites(scope: TransactionScope): MessageWrites {
  return { ...reactionWrites(scope), ...attachmentWrites(scope) };
}

function reactionWrites(scope: TransactionScope) {
  const { sql } = scope;
  return {
    async message({ roomId, seq }) {
      const [row] = await sql<EventRow[]>`
        select ${eventList(sql)} from events e
        where e.conversation_id = ${roomId} and e.seq = ${seq} and e.type = 'message' and not e.deleted`;
      return row ? loggedEvent(row) : null;
    },
    reactions: async (place) => (await reactionsQuery(sql, [place])).map(readReaction),
    async addReaction({ roomId, seq }, actor, name) {
      scope.requireLock(roomId);
      await sql`
        insert into reactions (conversation_id, seq, name, member, actor_name)
        values (${roomId}, ${seq}, ${name}, ${memberKey(actor)}, ${actor.name})`;
    },
    async removeReaction({ roomId, seq }, actor, name) {
      scope.requireLock(roomId);
      await sql`
        delete from reactions where conversation_id = ${roomId} and seq = ${seq} and name = ${name}
          and member = ${memberKey(actor)}`;
    },
    async pinned(roomId) {
      const [row] = await sql<{ seq: number }[]>`
        select seq from pinned_messages where conversation_id = ${roomId}`;
      return row?.seq ?? null;
    },
    async setPinned(roomId, seq) {
      scope.requireLock(roomId);
      if (seq === null) await sql`delete from pinned_messages where conversation_id = ${roomId}`;
      else
        await sql`
          insert into pinned_messages (conversation_id, seq) values (${roomId}, ${seq})
          on conflict (conversation_id) do update set seq = excluded.seq`;
    },
    async forgetExpiries(places) {
      await sql`
        delete from message_expiries m using ${placeList(sql, places)} as k (room, seq)
        where m.conversation_id = k.room and m.seq = k.seq`;
    },
  } satisfies Partial<MessageWrites>;
}

function attachmentWrites(scope: TransactionScope) {
  const { sql } = scope;
  return {
    async attachmentsOf(roomId, seqs) {
      const rows = await sql<AttachmentRow[]>`
        select ${attachmentList(sql)} from attachments a
        where a.conversation_id = ${roomId} and a.seq = any (${[...seqs]}::bigint[]) and a.deleted_at is null
        order by a.created_at, a.id`;
      return rows.map(readStored);
    },
    async lockAttachments(ids) {
      const rows = await sql<AttachmentRow[]>`
        select ${attachmentList(sql)} from attachments a
        where a.id = any (${ids}::text[]) and a.deleted_at is null order by a.id for update`;
      return rows.map(readStored);
    },
    async attach(ids, { roomId, seq }) {
      scope.requireLock(roomId);
      await sql`
        update attachments set conversation_id = ${roomId}, seq = ${seq} where id = any (${ids}::text[])`;
    },
    async shareFiles({ ids, sources, from, owner, createdAt }, { ownerBytes, organizationBytes }) {
      const [row] = await sql<[SharedFiles]>`
        select status, used from causeway_share_files(
          ${ids}::text[], ${sources}::text[], ${from.roomId}, ${from.seq}, ${owner}, ${createdAt},
          ${ownerBytes}, ${organizationBytes})`;
      return row;
    },
    async renameAttachment(id, filename) {
      await sql`update attachments set filename = ${filename} where id = ${id}`;
    },
    async deleteAttachments(ids) {
      if (ids.length > 0) await removeFiles(sql, sql`id = any (${ids}::text[])`);
    },
    async discardAttachments(ids) {
      if (ids.length > 0) await removeFiles(sql, sql`id = any (${ids}::text[]) and conversation_id is null`);
    },
    async rewriteAttachments({ roomId, seq }, attachments) {
      scope.requireLock(roomId);
      const [row] = await sql<{ dataJson: string }[]>`
        select data as "dataJson" from events where conversation_id = ${roomId} and seq = ${seq}`;
      if (!row) return;
      const { attachments: _, ...rest } = dataOf<"message">(row);
      const shown = attachments.map(shownAttachment);
      const data = JSON.stringify({ ...rest, ...(shown.length > 0 && { attachments: shown }) });
      await sql`update events set data = ${data} where conversation_id = ${roomId} and seq = ${seq}`;
    },
  } satisfies Partial<MessageWrites>;
}

/** Removes pins, expiries and attachments of a deleted room. Housekeeping removes the bytes of files and other rows later. */
export async function forgetMessages({ sql }: TransactionScope, roomId: number): Promise<void> {
  const also = sql`
    pins as (delete from pinned_messages where conversation_id = ${roomId}),
    expiries as (delete from message_expiries where conversation_id = ${roomId}),`;
  await removeFiles(sql, sql`conversation_id = ${roomId}`, also);
}
