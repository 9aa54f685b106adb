/**
 * Puts an event from Matrix aside that fails for a reason of its own, so that its room goes on: it becomes a dead letter, and
 * what a person wrote there becomes a line in the chat.
 */
import { DomainError } from "../../src/domain/errors.ts";
import { dataOf } from "../../src/domain/event-data.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../../src/logger.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import { whyOf } from "../homeserver/refusals.ts";
import { type MatrixEvent, relationOf } from "../mapping/matrix-events.ts";
import { shownHash } from "../mapping/translate.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { SendStatus } from "./content/send-status.ts";

export interface PutAside {
  /** Whether the failure says nothing about the event: it has to be tried again for as long as that lasts. */
  isTemporary(error: unknown): boolean;
  /** Keeps the event with the reason, and says in the chat that something could not be shown. */
  putAside(room: OpenRoom, event: MatrixEvent, error: unknown): Promise<void>;
  /**
   * A dead letter was applied after all, unless the chat refused it: its line goes, and its sender is told.
   * @param line the seq of the line in the chat, if there is one
   */
  recovered(room: OpenRoom, event: MatrixEvent, line: number | null): Promise<void>;
}

export interface PutAsideOptions {
  store: Pick<BridgeStore, "applied" | "putEventAside" | "mirroredEvent">;
  log: Pick<RoomLog, "event">;
  messages: Pick<UseCases["messages"], "send" | "remove">;
  status: SendStatus;
  lookup: MatrixLookup;
  counts: Pick<BridgeCounts, "putAside">;
  logger: Pick<Logger, "error">;
}

const LINE = "wrote something in Matrix that could not be shown here";

/** What the sender is told. */
const UNSHOWN = "The chat could not show this. Its operators can see why, and try again";

function isMessage({ type }: MatrixEvent): boolean {
  return type === "m.room.message" || type === "m.sticker";
}

export function createPutAside(options: PutAsideOptions): PutAside {
  const { store, log, messages, status, lookup, counts, logger } = options;

  /** @returns the line's seq; null for what is no message of its own, or when the chat takes no line either */
  async function sayLine(room: OpenRoom, event: MatrixEvent): Promise<number | null> {
    if (!isMessage(event) || relationOf(event.content).replaces !== null) return null;
    try {
      const actor = await lookup.actor(room, event.sender);
      // Another id than the event's: under that one the message itself comes, when the event is tried again.
      const line = { id: shownHash(`put aside ${event.event_id}`), text: LINE, fromMatrix: true as const };
      return actor && (await messages.send(actor, room.token, line)).seq;
    } catch {
      return null; // What keeps the event out may keep the line out, too. The dead letter has the reason.
    }
  }

  return {
    isTemporary(error) {
      return (
        (error instanceof DomainError && error.retry) || (error instanceof HomeserverError && error.temporary)
      );
    },
    async putAside(room, event, error) {
      counts.putAside++;
      logger.error(
        { event: "bridge.inbound_given_up", err: error, room: room.token, matrixEvent: event.event_id },
        "could not apply an event from Matrix; it is a dead letter, and the room goes on",
      );
      const text = JSON.stringify(event);
      await store.putEventAside(room.id, { eventId: event.event_id, type: event.type, text }, whyOf(error));
      const seq = await sayLine(room, event);
      const mapped = {
        roomId: room.id,
        op: "message",
        sender: event.sender,
        target: null,
        file: null,
        at: event.origin_server_ts,
      } as const;
      await store.applied(
        event.event_id,
        ...(seq === null ? [] : [{ ...mapped, seq, shown: shownHash(LINE) }]),
      );
      if (isMessage(event))
        await status.failed(room, event, { reason: "m.event_not_handled", message: UNSHOWN });
    },
    async recovered(room, event, line) {
      if (!(await store.mirroredEvent(event.event_id))) return;
      const said = line === null ? null : await log.event(room.id, line);
      if (said?.type === "message" && !dataOf<"message">(said).deleted)
        await messages.remove(said.actor, room.token, said.seq);
      if (isMessage(event)) await status.succeeded(room, event);
    },
  };
}
