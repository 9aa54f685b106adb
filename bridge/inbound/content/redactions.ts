/**
 * Applies redactions: what is taken back in Matrix goes from the chat. Nothing puts it back in Matrix, so what its own author
 * took back there goes in any case, whatever the room allows them by now.
 */
import { DomainError } from "../../../src/domain/errors.ts";
import { type Actor, SYSTEM_ACTOR } from "../../../src/domain/model.ts";
import type { RoomLog } from "../../../src/domain/ports/store/log.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import { type MatrixEvent, redactedBy } from "../../mapping/matrix-events.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";
import type { MirroredEvent } from "../../store/events.ts";
import { messageNow } from "./edits.ts";
import type { InboundReactions } from "./reactions.ts";
import type { TakenBackEdits } from "./taken-back.ts";

export interface InboundRedactions {
  /** Applies an `m.room.redaction`. @throws DomainError when the use case refuses; HomeserverError */
  apply(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void>;
}

export interface InboundRedactionsOptions {
  store: Pick<BridgeStore, "mirroredEvent" | "putRedacted" | "forgetEvent">;
  log: Pick<RoomLog, "event">;
  useCases: Pick<UseCases, "messages" | "attachments">;
  reactions: Pick<InboundReactions, "remove">;
  takenBack: TakenBackEdits;
  /** Something else than an event of the log was redacted. */
  state: { redacted(room: OpenRoom, eventId: string): Promise<void> };
}

export function createInboundRedactions(options: InboundRedactionsOptions): InboundRedactions {
  const { store, log, reactions, takenBack, state } = options;
  const { messages, attachments } = options.useCases;

  async function removeOriginal(
    room: OpenRoom,
    original: MirroredEvent,
    event: MatrixEvent,
    actor: Actor,
  ): Promise<void> {
    const { op, eventId, file } = original;
    switch (op) {
      case "message":
        await store.putRedacted(eventId);
        return await removeMessage(room, original, event, actor);
      case "edit":
      case "matrix_edit":
        return await takenBack.apply(room, original, event, actor);
      case "reaction":
      case "matrix_reaction":
        return await reactions.remove(room, original, event, actor);
      default:
        if (file === null || original.redacted) return;
        await deleteFile(actor, file);
        return await store.putRedacted(eventId);
    }
  }

  async function removeMessage(
    room: OpenRoom,
    { seq, sender }: MirroredEvent,
    redaction: MatrixEvent,
    actor: Actor,
  ): Promise<void> {
    if (!(await messageNow(log, room, seq))) return;
    try {
      await messages.remove(actor, room.token, seq);
    } catch (error) {
      if (!(error instanceof DomainError) || error.retry || redaction.sender !== sender) throw error;
      // They left, or came again and see it no more.
      await messages.remove(SYSTEM_ACTOR, room.token, seq);
    }
  }

  async function deleteFile(actor: Actor, file: string): Promise<void> {
    try {
      await attachments.delete(actor, file);
    } catch (error) {
      // The file is gone already, with its message or by itself.
      if (!(error instanceof DomainError) || error.code !== "not_found") throw error;
    }
  }

  return {
    async apply(room, event, actor) {
      const redacted = redactedBy(event);
      if (redacted === null) return;
      const original = await store.mirroredEvent(redacted);
      await store.forgetEvent(redacted);
      if (original?.roomId === room.id) await removeOriginal(room, original, event, actor);
      else if (!original) await state.redacted(room, redacted);
    },
  };
}
