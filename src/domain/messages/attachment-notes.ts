/** What webhooks hear about files: nothing of it is in a log. */
import { type MessagePlace, newPublicId } from "../ids.ts";
import type { WebhookType } from "../model.ts";
import type { StoredAttachment } from "../ports/store/messages.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";

export interface AttachmentNote {
  id: string;
  place: MessagePlace | null;
  nonce: string;
}

/** A note for each file of a user; nobody's organization hears of a guest's. */
export async function noteAttachments(
  tx: StoreTransaction,
  type: Extract<WebhookType, `attachment.${string}`>,
  attachments: readonly StoredAttachment[],
): Promise<void> {
  for (const { owner, place, id } of attachments) {
    if (!owner.startsWith("u:")) continue;
    await tx.webhooks.note({
      type,
      userId: Number(owner.slice(2)),
      conversationId: place?.conversationId ?? null,
      // Two notes about one file are two events.
      data: { id, place, nonce: newPublicId() } satisfies AttachmentNote,
    });
  }
}
