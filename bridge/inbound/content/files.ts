/** Copies files that were sent in Matrix to Causeway's attachments. */
import { MAX_ATTACHMENT_BYTES } from "../../../src/domain/files/file-rules.ts";
import type { Actor } from "../../../src/domain/model.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import { HomeserverError } from "../../homeserver/homeserver-error.ts";
import type { Media } from "../../homeserver/media.ts";
import { decrypted, UndecipherableFile } from "../../mapping/encrypted-file.ts";
import { type OpenFile, openFile } from "../../mapping/files.ts";
import type { MatrixEvent } from "../../mapping/matrix-events.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";

export interface InboundFiles {
  /** Whether the message has a file that may be copied, as far as its event tells. */
  isAcceptable(event: MatrixEvent): boolean;
  /**
   * Uploads the file of a message as an attachment of its sender, for the chatroom `room`. Safe to repeat.
   * @param isLastTry takes the file also when it has another size than its event says, as some clients write a wrong one
   * @returns the attachment's id; null when the message has no file, or one with no valid address or that is too large
   * @throws HomeserverError, also where the file is not there, or what came may be a proxy's page; UndecipherableFile; DomainError
   */
  fetch(room: number, event: MatrixEvent, actor: Actor, isLastTry: boolean): Promise<string | null>;
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
    async fetch(room, event, actor, isLastTry) {
      const file = openFile(event);
      if (!file) return null;
      const { filename, url, encrypted } = file;
      const kept = await media.download(url, MAX_ATTACHMENT_BYTES, (bytes) => {
        const content = isLastTry ? plain(bytes, file) : expected(bytes, file);
        return attachments.upload(actor, { filename, content, key: event.event_id, room });
      });
      if (!kept) return null;
      // What is at the address of an encrypted file is another file for those without the key.
      if (!encrypted) await store.putMediaUrl(kept.id, url);
      return kept.id;
    },
  };
}

function plain(bytes: ReadableStream<Uint8Array>, { encrypted }: OpenFile): ReadableStream<Uint8Array> {
  return encrypted ? decrypted(bytes, encrypted) : bytes;
}

/**
 * The plain bytes, as they come. A status of 200 does not tell that they are the file's: a proxy may have written a page.
 * @throws HomeserverError from the stream, when there are more or fewer than the event says, or, where it says nothing, when
 *   they have another hash; else as {@link plain}
 */
function expected(bytes: ReadableStream<Uint8Array>, file: OpenFile): ReadableStream<Uint8Array> {
  async function* chunks() {
    let length = 0;
    try {
      for await (const chunk of plain(bytes, file)) {
        length += chunk.byteLength;
        if (file.size !== null && length > file.size) break;
        yield chunk;
      }
    } catch (error) {
      if (error instanceof UndecipherableFile && length !== file.size) throw strange(error);
      throw error;
    }
    if (file.size !== null && length !== file.size) throw strange();
  }
  return ReadableStream.from(chunks()) as ReadableStream<Uint8Array>;
}

function strange(cause?: unknown): HomeserverError {
  const message = "What came as a file is not what its event says: a proxy may have given it";
  return new HomeserverError(message, { status: 200, errcode: "M_UNKNOWN", cause });
}
