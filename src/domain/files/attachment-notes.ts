/** Notes about attachments for webhooks: uploads, renames and deletions are in no room's log. */
import { type MessagePlace, newPublicId } from "../ids.ts";
import type { WebhookType } from "../model.ts";
import type { StoredAttachment } from "../ports/store/messages.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";

export interface AttachmentNote {
  id: string;
  place: MessagePlace | null;
  nonce: string;
}

/** Writes a note for each file of a user. Guests belong to no organization, so their files have none. */
export async function noteAttachments(
  tx: StoreTransaction,
  type: Extract<WebhookType, `attachment.${string}`>,
  attachments: readonly Pick<StoredAttachment, "id" | "owner" | "place">[],
): Promise<void> {
  for (const { owner, place, id } of attachments) {
    if (!owner.startsWith("u:")) continue;
    await tx.webhooks.note({
      type,
      userId: Number(owner.slice(2)),
      roomId: place?.roomId ?? null,
      // The nonce gives each note about a file its own webhook event.
      data: { id, place, nonce: newPublicId() } satisfies AttachmentNote,
    });
  }
}
