/** Copies files that were sent in Matrix to Causeway's attachments. */
import { MAX_ATTACHMENT_BYTES } from "../../../src/domain/files/file-rules.ts";
import type { Actor } from "../../../src/domain/model.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import type { Media } from "../../homeserver/media.ts";
import { decrypted } from "../../mapping/encrypted-file.ts";
import { openFile } from "../../mapping/files.ts";
import type { MatrixEvent } from "../../mapping/matrix-events.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";

export interface InboundFiles {
  /** Whether the message has a file that may be copied, as far as its event tells. */
  isAcceptable(event: MatrixEvent): boolean;
  /**
   * Uploads the file of a message as an attachment of its sender, for the chatroom `room`. Safe to repeat.
   * @returns the attachment's id; null when the message has no file, or one with no valid address or that is too large
   * @throws HomeserverError, also where the file is not there; UndecipherableFile; DomainError
   */
  fetch(room: number, event: MatrixEvent, actor: Actor): Promise<string | null>;
}

export function createInboundFiles(
  media: Pick<Media, "download">,
  attachments: Pick<UseCases["attachments"], "upload">,
  store: Pick<BridgeStore, "putMediaUrl">,
): InboundFiles {
  return {
    isAcceptable(event) {
      const file = openFile(event);
      return file !== null && (file.size === null || file.size <= MAX_ATTACHMENT_BYTES);
    },
    async fetch(room, event, actor) {
      const file = openFile(event);
      if (!file) return null;
      const { filename, url, encrypted } = file;
      const kept = await media.download(url, MAX_ATTACHMENT_BYTES, (bytes) => {
        const content = encrypted ? decrypted(bytes, encrypted) : bytes;
        return attachments.upload(actor, { filename, content, key: event.event_id, room });
      });
      if (!kept) return null;
      // What is at the address of an encrypted file is another file for those without the key.
      if (!encrypted) await store.putMediaUrl(kept.id, url);
      return kept.id;
    },
  };
}
