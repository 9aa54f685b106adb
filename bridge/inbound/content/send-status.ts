/**
 * Tells the senders of Matrix what became of their messages, as bridges do (`com.beeper.message_send_status`): clients that know it
 * show a failure beside the message. Others show that the bot redacted it, with the reason.
 */
import type { DomainError } from "../../../src/domain/errors.ts";
import type { GhostAccounts } from "../../homeserver/ghost-accounts.ts";
import { HomeserverError } from "../../homeserver/homeserver-error.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import type { Marks } from "../../mapping/marks.ts";
import type { MatrixEvent } from "../../mapping/matrix-events.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";

export interface SendStatus {
  /** The chat does not take what somebody wrote. Safe to repeat. @throws HomeserverError in an outage */
  failed(room: OpenRoom, event: MatrixEvent, why: Failure): Promise<void>;
  /** What was said to have failed is in the chat now. Safe to repeat. @throws HomeserverError in an outage */
  succeeded(room: OpenRoom, event: MatrixEvent): Promise<void>;
}

export interface Failure {
  reason: "m.no_permission" | "m.event_not_handled";
  /** For people. */
  message: string;
}

/** Why a use case refused. */
export function failureOf({ code, message }: DomainError): Failure {
  const isAboutRights = code === "forbidden" || code === "read_only" || code === "lobby";
  return { reason: isAboutRights ? "m.no_permission" : "m.event_not_handled", message };
}

type Status = { status: "SUCCESS" } | ({ status: "FAIL_PERMANENT"; internal_error: string } & Failure);

const TYPE = "com.beeper.message_send_status";

export function createSendStatus(
  accounts: Pick<GhostAccounts, "request">,
  ghosts: Ghosts,
  marks: Marks,
): SendStatus {
  async function tell(room: OpenRoom, event: MatrixEvent, status: Status) {
    const { event_id } = event;
    const txnId = marks.transactionIdOf(`${status.status} ${event_id}`);
    const [matrixRoomId, txn] = [room.matrixRoomId, txnId].map(encodeURIComponent);
    const path = `/_matrix/client/v3/rooms/${matrixRoomId}/send/${TYPE}/${txn}`;
    const relation = { rel_type: "m.reference", event_id };
    const body = { network: "causeway", "m.relates_to": relation, ...status };
    try {
      await accounts.request(ghosts.bot, "PUT", path, { body });
    } catch (error) {
      // Where it can't be told, nothing else waits for it.
      if (!(error instanceof HomeserverError) || error.temporary) throw error;
    }
  }

  return {
    failed: (room, event, { reason, message }) =>
      tell(room, event, { status: "FAIL_PERMANENT", reason, message, internal_error: message }),
    succeeded: (room, event) => tell(room, event, { status: "SUCCESS" }),
  };
}
