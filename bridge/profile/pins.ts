/**
 * The pinned message of a room. The chat has one at most, and `m.room.pinned_events` a list: it holds that one, and of a longer list of
 * a person's the last counts, which clients add last.
 */
import { isDeepStrictEqual } from "node:util";
import type { Actor } from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { type MatrixEvent, pinnedIn } from "../mapping/matrix-events.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { RoomState } from "../rooms/room-state.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { messageSeqIn } from "../store/events.ts";

export const PINNED_EVENTS = "m.room.pinned_events";

/** Both: @throws HomeserverError */
export interface PinsInMatrix {
  /** Shows the chat's pin in Matrix, unless that is how the bridge has left it. */
  settle(room: OpenRoom): Promise<void>;
  /** Sets it again where Matrix has something else. */
  restore(room: OpenRoom): Promise<void>;
}

export function createPinsInMatrix(
  store: Pick<BridgeStore, "pin" | "putPin">,
  state: Pick<RoomState, "putList">,
): PinsInMatrix {
  async function put(room: OpenRoom, eventId: string | null): Promise<void> {
    await state.putList(room, PINNED_EVENTS, "pinned", eventId === null ? [] : [eventId]);
    await store.putPin(room.id, eventId);
  }

  return {
    async settle(room) {
      // Who made the room in Matrix decides about it there.
      if (room.foreign) return;
      const { wanted, shown } = await store.pin(room.id);
      if (wanted !== shown) await put(room, wanted);
    },
    async restore(room) {
      if (!room.foreign) await put(room, (await store.pin(room.id)).wanted);
    },
  };
}

export interface InboundPins {
  /**
   * Applies an `m.room.pinned_events` that is still the room's.
   * @returns false when the chat's has to be put back
   * @throws DomainError when the use case refuses; HomeserverError
   */
  apply(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<boolean>;
}

export function createInboundPins(
  store: Pick<BridgeStore, "pin" | "mirroredEvent">,
  pins: Pick<UseCases["pins"], "pin" | "unpin">,
  lookup: Pick<MatrixLookup, "roomState">,
): InboundPins {
  /** The seq of the message that a Matrix event shows. */
  async function seqOf(room: OpenRoom, eventId: string | null): Promise<number | null> {
    return messageSeqIn(room.id, eventId === null ? null : await store.mirroredEvent(eventId));
  }

  return {
    async apply(room, event, actor) {
      const list = pinnedIn(event.content);
      if (!isDeepStrictEqual(pinnedIn(await lookup.roomState(room, PINNED_EVENTS)), list)) return true;
      const newest = list.at(-1);
      if (newest !== undefined) {
        const seq = await seqOf(room, newest);
        if (seq !== null) await pins.pin(actor, room.token, seq);
        return seq !== null && list.length === 1;
      }
      // What the person took away is what Matrix showed: another one may be pinned in the chat by now.
      const seq = await seqOf(room, (await store.pin(room.id)).shown);
      if (seq !== null) await pins.unpin(actor, room.token, seq);
      return true;
    },
  };
}
