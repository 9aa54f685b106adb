/**
 * Redacts events in Matrix that an event of the log made obsolete: above all edits that a later edit replaced, because Matrix would keep their texts. The original message stays: without it
 * Matrix would show neither its edits nor the replies and reactions to it.
 */
import type { Logger } from "../../src/logger.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { isAbsent, isRefusal, whyOf } from "../homeserver/refusals.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { Marks } from "../mapping/marks.ts";
import { standingEdits } from "../mapping/replacements.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { type Redaction, roomPath } from "./writes.ts";

export interface SupersededEdits {
  /**
   * Redacts all edits of the message `seq`, made here or in Matrix, but for `keptEventId`.
   * @throws HomeserverError when it has to be tried again
   */
  redact(room: OpenRoom, seq: number, keptEventId: string): Promise<void>;
  /**
   * Redacts one event by the bot. What the homeserver refuses for good becomes a dead letter; what is not there needs none.
   * @param request the redaction; by default one without a mark
   * @throws HomeserverError when it has to be tried again
   */
  redactEvent(room: OpenRoom, eventId: string, request?: Redaction): Promise<void>;
}

const REDACTION_OF = "redaction of ";

/** The event that a dead letter's change is about, or null when it is none of a redaction. */
export function redactionIn(what: string): string | null {
  return what.startsWith(REDACTION_OF) ? what.slice(REDACTION_OF.length) : null;
}

export interface SupersededEditsOptions {
  store: Pick<BridgeStore, "mirroredParts" | "putRedacted" | "putChangeAside">;
  accounts: Pick<GhostAccounts, "request">;
  ghosts: Ghosts;
  marks: Marks;
  counts: Pick<BridgeCounts, "givenUp">;
  logger: Pick<Logger, "warn">;
}

export function createSupersededEdits(options: SupersededEditsOptions): SupersededEdits {
  const { store, accounts, ghosts, marks, counts, logger } = options;

  function plainRedaction(room: OpenRoom, eventId: string): Redaction {
    const txnId = encodeURIComponent(marks.transactionIdOf(`superseded ${eventId}`));
    return { path: `${roomPath(room)}/redact/${encodeURIComponent(eventId)}/${txnId}`, body: {} };
  }

  async function redactEvent(
    room: OpenRoom,
    eventId: string,
    { path, body } = plainRedaction(room, eventId),
  ): Promise<void> {
    try {
      await accounts.request(ghosts.bot, "PUT", path, { body });
    } catch (error) {
      if (!isAbsent(error) && !isRefusal(error, 0)) throw error;
      if (isRefusal(error, 0)) {
        counts.givenUp++;
        logger.warn(
          { event: "bridge.redaction_refused", err: error, room: room.token, matrixEvent: eventId },
          "the homeserver refused to take back an edit or a part of a message; it is a dead letter",
        );
        return await store.putChangeAside(room.id, `${REDACTION_OF}${eventId}`, whyOf(error));
      }
    }
    await store.putRedacted(eventId);
  }

  return {
    redactEvent,
    async redact(room, seq, keptEventId) {
      const parts = await store.mirroredParts(room.id, seq);
      for (const { eventId } of standingEdits(parts))
        if (eventId !== keptEventId) await redactEvent(room, eventId);
    },
  };
}
