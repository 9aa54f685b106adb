/**
 * Applies reactions that people made or removed in Matrix. Those with a key that Causeway does not allow, or to a message
 * that it does not have, stay in Matrix only.
 */
import { DomainError } from "../../src/domain/errors.ts";
import type { Actor } from "../../src/domain/model.ts";
import { reactionName } from "../../src/domain/text-rules.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { type MatrixEvent, relationOf } from "../mapping/matrix-events.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { MirroredEvent } from "../store/events.ts";

export interface InboundReactions {
  /** Applies an `m.reaction`. @throws DomainError when the use case refuses */
  add(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void>;
  /** Applies the redaction of a reaction. @throws DomainError when the use case refuses */
  remove(room: OpenRoom, reaction: MirroredEvent, redaction: MatrixEvent, actor: Actor): Promise<void>;
}

export function createInboundReactions(
  store: Pick<BridgeStore, "applied" | "mirroredEvent" | "putRedacted">,
  reactions: UseCases["reactions"],
): InboundReactions {
  return {
    async add(room, event, actor) {
      const { annotates } = relationOf(event.content);
      const original = annotates && (await store.mirroredEvent(annotates.eventId));
      if (!original || original.roomId !== room.id) return await store.applied(event.event_id);
      // A reaction to an edit or a file of a message counts for the message.
      const seq = original.target ?? original.seq;
      const { key } = annotates;
      try {
        await reactions.add(actor, room.token, seq, key);
      } catch (error) {
        if (!isWithoutEffect(error)) throw error;
        return await store.applied(event.event_id);
      }
      const made = { roomId: room.id, seq, op: "matrix_reaction", sender: event.sender } as const;
      const at = event.origin_server_ts;
      await store.applied(event.event_id, { ...made, target: seq, shown: reactionName(key), file: null, at });
    },
    async remove(room, { eventId, sender, target, shown, redacted }, redaction, actor) {
      // In Causeway only its author removes a reaction; a moderator's redaction in Matrix changes nothing here.
      if (redacted || target === null || shown === null || redaction.sender !== sender) return;
      try {
        await reactions.remove(actor, room.token, target, shown);
      } catch (error) {
        if (!isWithoutEffect(error)) throw error;
      }
      await store.putRedacted(eventId);
    },
  };
}

/** Whether the use case refused because the key is not allowed or the message is gone. */
function isWithoutEffect(error: unknown): boolean {
  return (
    error instanceof DomainError &&
    ((error.code === "bad_request" && error.field === "name") ||
      (error.code === "not_found" && error.field === "seq"))
  );
}
