/** Copies files that were sent in Matrix to Causeway's attachments. */
import { setTimeout as delay } from "node:timers/promises";
import { DomainError } from "../../src/domain/errors.ts";
import { MAX_ATTACHMENT_BYTES } from "../../src/domain/files/file-rules.ts";
import type { Actor } from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../../src/logger.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Media } from "../homeserver/media.ts";
import type { MatrixEvent } from "../mapping/matrix-events.ts";
import { type OpenFile, openFile } from "../mapping/translate.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface InboundFiles {
  /**
   * Uploads the file of a message as an attachment of its sender, for the chatroom `room`. Safe to repeat.
   * @returns the attachment's id; null when the message has no file, or one that can't be had or is too large
   * @throws HomeserverError in an outage
   */
  keep(room: number, event: MatrixEvent, actor: Actor): Promise<string | null>;
}

/** Another homeserver, or the file storage, may be away for long. After these tries the message goes on without its file. */
const MAX_TRIES = 3;
const PAUSE_MS = 500;
const MAX_PAUSE_MS = 5_000;

export function createInboundFiles(
  media: Pick<Media, "download">,
  attachments: Pick<UseCases["attachments"], "upload">,
  store: Pick<BridgeStore, "putMediaUrl">,
  logger: Pick<Logger, "info">,
): InboundFiles {
  async function download(
    file: OpenFile,
    { room, key, actor }: { room: number; key: string; actor: Actor },
  ): Promise<string | null> {
    const kept = await media.download(file.url, MAX_ATTACHMENT_BYTES, (content) =>
      attachments.upload(actor, { filename: file.filename, content, key, room }),
    );
    if (!kept) return null;
    await store.putMediaUrl(kept.id, file.url);
    return kept.id;
  }

  return {
    async keep(room, event, actor) {
      const file = openFile(event);
      if (!file || (file.size !== null && file.size > MAX_ATTACHMENT_BYTES)) return null;
      for (let attempt = 1; ; attempt++) {
        try {
          return await download(file, { room, key: event.event_id, actor });
        } catch (error) {
          const known = error instanceof HomeserverError || error instanceof DomainError;
          if (!known || (error instanceof HomeserverError && error.outage)) throw error;
          const temporary = error instanceof HomeserverError ? error.temporary : error.retry;
          if (!temporary || attempt === MAX_TRIES) {
            logger.info(
              { event: "bridge.file_not_kept", err: error, matrixEvent: event.event_id },
              "could not fetch a file from Matrix; the chat shows its name alone",
            );
            return null;
          }
          await delay(Math.min(error.retryAfterMs ?? PAUSE_MS * attempt, MAX_PAUSE_MS));
        }
      }
    },
  };
}
