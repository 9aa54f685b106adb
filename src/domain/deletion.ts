/** Deleting a message, whoever does it and why: what becomes of everything that hangs on it. */
import { noteAttachments } from "./attachment-notes.ts";
import type { MessagePlace } from "./ids.ts";
import type { Actor } from "./model.ts";
import type { NewEvent, StoreTransaction } from "./ports/store.ts";

/**
 * The message keeps its seq without its text, and is pinned no longer. The room must be locked.
 * @returns false when there is no such message, or it was deleted before: then nothing is said
 */
export async function deleteMessage(
  tx: StoreTransaction,
  actor: Actor,
  { conversationId, seq }: MessagePlace,
): Promise<boolean> {
  const files = await tx.messages.attachmentsOf({ conversationId, seq });
  if (!(await tx.rewriteMessage(conversationId, seq, { deleted: true }))) return false;
  const events: NewEvent[] = [];
  if ((await tx.messages.pinned(conversationId)) === seq) {
    await tx.messages.setPinned(conversationId, null);
    events.push({ type: "message.unpinned", actor, data: { seq } });
  }
  await tx.appendEvents(conversationId, [...events, { type: "message.deleted", actor, data: { seq } }]);
  await noteAttachments(tx, "attachment.deleted", files);
  return true;
}
