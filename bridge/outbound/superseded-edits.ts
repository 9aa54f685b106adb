/**
 * Redacts edits that a later edit replaced, because Matrix would keep their texts. The original message stays: without it
 * Matrix would show neither its edits nor the replies and reactions to it.
 */
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { Marks } from "../mapping/marks.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { roomPath } from "./writes.ts";

export interface SupersededEdits {
  /**
   * Redacts all edits of the message `seq`, made here or in Matrix, but for `keptEventId`.
   * @throws HomeserverError when it has to be tried again
   */
  redact(room: OpenRoom, seq: number, keptEventId: string): Promise<void>;
}

export interface SupersededEditsOptions {
  store: Pick<BridgeStore, "mirroredParts" | "putRedacted">;
  accounts: Pick<GhostAccounts, "request">;
  ghosts: Ghosts;
  marks: Marks;
  logger: Pick<Logger, "warn">;
}

export function createSupersededEdits(options: SupersededEditsOptions): SupersededEdits {
  const { store, accounts, ghosts, marks, logger } = options;

  async function redactEdit(room: OpenRoom, eventId: string): Promise<void> {
    const txnId = encodeURIComponent(marks.transactionIdOf(`superseded ${eventId}`));
    const path = `${roomPath(room)}/redact/${encodeURIComponent(eventId)}/${txnId}`;
    try {
      await accounts.request(ghosts.bot, "PUT", path, { body: {} });
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.temporary) throw error;
      logger.warn(
        { event: "bridge.redaction_refused", err: error, room: room.token, matrixEvent: eventId },
        "the homeserver refused to take back an edit that a later one replaced; it stays in Matrix",
      );
    }
    await store.putRedacted(eventId);
  }

  return {
    async redact(room, seq, keptEventId) {
      const parts = await store.mirroredParts(room.id, seq);
      const edits = parts.filter(({ op, redacted }) => (op === "edit" || op === "matrix_edit") && !redacted);
      for (const { eventId } of edits) if (eventId !== keptEventId) await redactEdit(room, eventId);
    },
  };
}
