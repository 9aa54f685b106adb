/** The files of a message: checks those to send, and applies edits. */
import { badField } from "../errors.ts";
import { noteAttachments } from "../files/attachment-notes.ts";
import { isPublicId, type MessagePlace } from "../ids.ts";
import { type Actor, type Attachment, memberKey } from "../model.ts";
import type { Store } from "../ports/store/store.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";

const MAX_OF_A_MESSAGE = 20;

export function checkFiles(ids: readonly string[]): void {
  if (ids.length > MAX_OF_A_MESSAGE) throw badField("attachments", "must be at most 20 files");
  if (!ids.every(isPublicId)) throw badFiles();
}

/** The sender's unsent files with these ids; null when one is unknown, another user's, or sent already. */
export async function filesToSend(
  { messages }: Store,
  sender: Actor,
  ids: readonly string[],
): Promise<Attachment[] | null> {
  const found = new Map((await messages.attachments(ids)).map((file) => [file.id, file]));
  const files = [...new Set(ids)].map((id) => found.get(id));
  const usable = files.flatMap((file) =>
    file && file.place === null && file.owner === memberKey(sender) ? [file] : [],
  );
  return usable.length === files.length ? usable : null;
}

/**
 * Replaces the files of a message in an edit. Files that are no longer listed are deleted. The room must be locked.
 * @throws DomainError `bad_request` on `attachments` for files that are neither the message's nor the author's unsent ones
 */
export async function replaceFiles(
  tx: StoreTransaction,
  author: Actor,
  place: MessagePlace,
  ids: readonly string[],
): Promise<Attachment[]> {
  const { roomId, seq } = place;
  const before = await tx.messages.attachmentsOf(roomId, [seq]);
  const found = await tx.messages.lockAttachments(ids);
  const kept = new Set(before.map(({ id }) => id));
  const added = found.filter(({ id }) => !kept.has(id));
  const usable = added.every((file) => file.place === null && file.owner === memberKey(author));
  if (!usable || found.length !== new Set(ids).size) throw badFiles();
  const removed = before.filter(({ id }) => !ids.includes(id));
  await tx.messages.deleteAttachments(removed.map(({ id }) => id));
  await tx.messages.attach(
    added.map(({ id }) => id),
    place,
  );
  const after = (await tx.messages.attachmentsOf(roomId, [seq])).sort(
    (a, b) => ids.indexOf(a.id) - ids.indexOf(b.id),
  );
  await tx.messages.rewriteAttachments(place, after);
  await noteAttachments(tx, "attachment.deleted", removed);
  await noteAttachments(
    tx,
    "attachment.updated",
    added.map((file) => ({ ...file, place })),
  );
  return after;
}

export function badFiles() {
  return badField("attachments", "must be ids of files that you uploaded and that wait to be sent");
}
