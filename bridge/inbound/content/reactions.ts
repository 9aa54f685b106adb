/**
 * Applies reactions that people made or removed in Matrix. Those with a key that Causeway does not allow, or to a message
 * that it does not have, stay in Matrix only. Those to a message that is gone, or that their author may not see, are refused.
 */
import { DomainError } from "../../../src/domain/errors.ts";
import type { Actor } from "../../../src/domain/model.ts";
import type { RoomLog } from "../../../src/domain/ports/store/log.ts";
import { reactionName } from "../../../src/domain/text-rules.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import { type MatrixEvent, reactionIn } from "../../mapping/matrix-events.ts";
import type { MatrixLookup } from "../../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";
import type { MirroredEvent } from "../../store/events.ts";
import type { IsModerator } from "./moderators.ts";
import type { Undo } from "./undo.ts";

export interface InboundReactions {
  /** Applies an `m.reaction`. @throws DomainError when the use case refuses */
  add(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void>;
  /** Applies the redaction of a reaction, by who made it or a moderator. It can't be undone, so no rule of the room stops it. */
  remove(room: OpenRoom, reaction: MirroredEvent, redaction: MatrixEvent, actor: Actor): Promise<void>;
}

export interface InboundReactionsOptions {
  store: Pick<BridgeStore, "applied" | "mirroredEvent" | "mirroredReaction" | "putRedacted">;
  log: Pick<RoomLog, "event">;
  reactions: Pick<UseCases["reactions"], "add" | "takenBack">;
  lookup: Pick<MatrixLookup, "actor">;
  isModerator: IsModerator;
  undo: Pick<Undo, "redact">;
}

const TWICE = "The chat has this reaction already";

export function createInboundReactions(options: InboundReactionsOptions): InboundReactions {
  const { store, log, reactions, lookup, isModerator, undo } = options;

  async function makerOf(room: OpenRoom, { op, seq, sender }: MirroredEvent): Promise<Actor | null> {
    // Only the log knows the guests behind their accounts.
    if (op === "reaction") return (await log.event(room.id, seq))?.actor ?? null;
    return await lookup.actor(room, sender);
  }

  /** In the chat only its member takes a reaction back: what a moderator removed in Matrix is removed in that member's name. */
  async function removeAs(maker: Actor, room: OpenRoom, { target, shown }: MirroredEvent): Promise<void> {
    if (target === null || shown === null) return;
    try {
      await reactions.takenBack(maker, room.token, target, shown);
    } catch (error) {
      if (!isNoReaction(error)) throw error;
    }
  }

  return {
    async add(room, event, actor) {
      const said = reactionIn(event.content);
      const original = said && (await store.mirroredEvent(said.eventId));
      if (!original || original.roomId !== room.id) return await store.applied(event.event_id);
      const { sender, origin_server_ts: at } = event;
      // A reaction to an edit or a file of a message counts for the message.
      const seq = original.target ?? original.seq;
      const key = reactionName(said.key);
      // Such as 👍 with and without U+FE0F, which are one for the chat and two for Matrix.
      if (await store.mirroredReaction(room.id, { target: seq, sender, key })) {
        await undo.redact(room, event, TWICE);
        return await store.applied(event.event_id);
      }
      try {
        await reactions.add(actor, room.token, seq, key);
      } catch (error) {
        if (!isNoReaction(error)) throw error;
        return await store.applied(event.event_id);
      }
      const made = { roomId: room.id, seq, op: "matrix_reaction", sender, target: seq } as const;
      await store.applied(event.event_id, { ...made, shown: key, file: null, at });
    },
    async remove(room, reaction, redaction, actor) {
      if (reaction.redacted) return;
      if (redaction.sender === reaction.sender) await removeAs(actor, room, reaction);
      else {
        const maker = (await isModerator(room, actor)) ? await makerOf(room, reaction) : null;
        if (!maker) return;
        await removeAs(maker, room, reaction);
      }
      await store.putRedacted(reaction.eventId);
    },
  };
}

function isNoReaction(error: unknown): boolean {
  return error instanceof DomainError && error.code === "bad_request" && error.field === "name";
}
