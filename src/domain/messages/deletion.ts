/** Deletes a message, with its pin, files and mentions. */
import { dataOf } from "../event-data.ts";
import { noteAttachments } from "../files/attachment-notes.ts";
import type { MessagePlace } from "../ids.ts";
import type { Actor, MadeEvent } from "../model.ts";
import type { NewEvent, StoreTransaction } from "../ports/store/transaction.ts";

export interface Deleted {
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
  const message = await tx.messages.message({ roomId, seq });
  if (!message) return null;
  const { mentions = [] } = dataOf<"message">(message);
  const files = await tx.messages.attachmentsOf({ roomId, seq });
  await tx.rewriteMessage(roomId, seq, { deleted: true });
  const events: NewEvent[] = [];
  if ((await tx.messages.pinned(roomId)) === seq) {
    await tx.messages.setPinned(roomId, null);
    events.push({ type: "message.unpinned", actor, data: { seq } });
  }
  events.push({ type: "message.deleted", actor, data: { seq } });
  const event = (await tx.appendEvents(roomId, events)).at(-1) ?? null;
  await noteAttachments(tx, "attachment.deleted", files);
  return { event, mentions };
}
