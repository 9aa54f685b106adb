/** Deleting a message, whoever does it and why: what becomes of everything that hangs on it. */

import { dataOf } from "../event-data.ts";
import type { MessagePlace } from "../ids.ts";
import type { Actor, MadeEvent } from "../model.ts";
import type { NewEvent, StoreTransaction } from "../ports/store/transaction.ts";
import { noteAttachments } from "./attachment-notes.ts";

export interface Deleted {
  event: MadeEvent;
  /** Whom the message mentioned. */
  mentions: readonly string[];
}

/**
 * The message keeps its seq without its text, and is pinned no longer. The room must be locked.
 * @returns null when there is no such message, or it was deleted before: then nothing is said
 */
export async function deleteMessage(
  tx: StoreTransaction,
  actor: Actor,
  { conversationId, seq }: MessagePlace,
): Promise<Deleted | null> {
  const message = await tx.messages.message({ conversationId, seq });
  if (!message) return null;
  const { mentions = [] } = dataOf<"message">(message);
  const files = await tx.messages.attachmentsOf({ conversationId, seq });
  await tx.rewriteMessage(conversationId, seq, { deleted: true });
  const events: NewEvent[] = [];
  if ((await tx.messages.pinned(conversationId)) === seq) {
    await tx.messages.setPinned(conversationId, null);
    events.push({ type: "message.unpinned", actor, data: { seq } });
  }
  events.push({ type: "message.deleted", actor, data: { seq } });
  const event = (await tx.appendEvents(conversationId, events)).at(-1) ?? null;
  await noteAttachments(tx, "attachment.deleted", files);
  return { event, mentions };
}
