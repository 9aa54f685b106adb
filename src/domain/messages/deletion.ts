/** Deletes a message, with its pin, files and mentions. */
import { noteAttachments } from "../files/attachment-notes.ts";
import type { MessagePlace } from "../ids.ts";
import type { Actor, MadeEvent } from "../model.ts";
import type { NewEvent, StoreTransaction } from "../ports/store/transaction.ts";

export interface Deleted {
  seq: number;
  event: MadeEvent;
  /** The mentions of the deleted message. */
  mentions: readonly string[];
}

/**
 * The message keeps its seq and loses its text, files and pin. The room must be locked.
 * @returns null, without an event, when there is no such message or it was deleted before
 */
export async function deleteMessage(
  tx: StoreTransaction,
  actor: Actor,
  { roomId, seq }: MessagePlace,
): Promise<Deleted | null> {
  const [deleted] = await deleteMessages(tx, actor, roomId, [seq]);
  return deleted ?? null;
}

/** As {@link deleteMessage}, for several of a room, whose events are appended together. @returns those that were there */
export async function deleteMessages(
  tx: StoreTransaction,
  actor: Actor,
  roomId: number,
  seqs: readonly number[],
): Promise<Deleted[]> {
  if (seqs.length === 0) return [];
  const pinned = await tx.messages.pinned(roomId);
  const files = await tx.messages.attachmentsOf(roomId, seqs);
  const erased = await tx.eraseMessages(roomId, seqs);
  if (erased.length === 0) return [];
  const events: NewEvent[] = [];
  for (const { seq, thread } of erased) {
    if (seq === pinned) {
      await tx.messages.setPinned(roomId, null);
      events.push({ type: "message.unpinned", actor, data: { seq } });
    }
    events.push({ type: "message.deleted", actor, data: thread === undefined ? { seq } : { seq, thread } });
  }
  await noteAttachments(tx, "attachment.deleted", files);
  const made = (await tx.appendEvents(roomId, events)).filter(({ type }) => type === "message.deleted");
  return erased.map(({ seq, mentions }, n) => ({ seq, mentions, event: made[n] ?? null }));
}
