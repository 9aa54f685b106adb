/** Undoes in Matrix what the chat does not take. */
import type { DomainError } from "../../../src/domain/errors.ts";
import type { Logger } from "../../../src/logger.ts";
import type { GhostAccounts } from "../../homeserver/ghost-accounts.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import type { Marks } from "../../mapping/marks.ts";
import type { MatrixEvent } from "../../mapping/matrix-events.ts";
import type { BridgeCounts } from "../../metrics.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";
import { failureOf, type SendStatus } from "./send-status.ts";

export interface Undo {
  /** A use case refused the act of an event: undoes it. Safe to repeat. @throws HomeserverError */
  refused(room: OpenRoom, event: MatrixEvent, refusal: DomainError): Promise<void>;
  /** Redacts an event by the bot, with the reason. Safe to repeat. @throws HomeserverError */
  redact(room: OpenRoom, event: MatrixEvent, reason: string): Promise<void>;
}

export interface UndoOptions {
  members: { putBack(room: OpenRoom): Promise<void> };
  state: { putBack(room: OpenRoom): Promise<void> };
  accounts: Pick<GhostAccounts, "request">;
  ghosts: Ghosts;
  marks: Marks;
  status: Pick<SendStatus, "failed">;
  counts: Pick<BridgeCounts, "refused">;
  logger: Pick<Logger, "info">;
}

export function createUndo(options: UndoOptions): Undo {
  const { members, state, accounts, ghosts, marks, status, counts, logger } = options;

  async function redact(room: OpenRoom, event: MatrixEvent, reason: string): Promise<void> {
    // In a room that was made in Matrix the bot has no right to it.
    if (room.foreign) return;
    const [matrixRoomId, eventId] = [room.matrixRoomId, event.event_id].map(encodeURIComponent);
    const txnId = encodeURIComponent(marks.transactionIdOf(`refused ${event.event_id}`));
    const path = `/_matrix/client/v3/rooms/${matrixRoomId}/redact/${eventId}/${txnId}`;
    await accounts.request(ghosts.bot, "PUT", path, { body: { reason } });
  }

  return {
    redact,
    async refused(room, event, refusal) {
      counts.refused++;
      logger.info(
        { event: "bridge.act_refused", room: room.token, type: event.type, code: refusal.code },
        "the chat refused an act from Matrix; the bridge undoes it there",
      );
      if (event.type === "m.room.redaction") return; // It can't be undone.
      if (event.type === "m.room.member") await members.putBack(room);
      else if (event.state_key !== undefined) await state.putBack(room);
      else {
        await status.failed(room, event, failureOf(refusal));
        await redact(room, event, refusal.message);
      }
    },
  };
}
