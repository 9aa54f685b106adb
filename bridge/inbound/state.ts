/** Keeps a room's state in Matrix as the chat has it: what nobody with the right to it changed or removed is put back. */
import type { Actor } from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { MatrixEvent } from "../mapping/matrix-events.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface InboundState {
  /** Applies an `m.room.name`. One that takes the name away is put back. @throws DomainError when the use case refuses */
  rename(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void>;
  /** Lets the room's next turn put back what differs from the chat. */
  putBack(room: OpenRoom): Promise<void>;
  /** Puts the state back when the redacted event is a part of it. @throws HomeserverError */
  redacted(room: OpenRoom, eventId: string): Promise<void>;
}

export interface InboundStateOptions {
  store: Pick<BridgeStore, "doubt">;
  roomLifecycle: Pick<UseCases["roomLifecycle"], "rename">;
  lookup: MatrixLookup;
  /** Gives the room another turn. */
  wake: (roomId: number) => void;
}

export function createInboundState({
  store,
  roomLifecycle,
  lookup,
  wake,
}: InboundStateOptions): InboundState {
  async function putBack(room: OpenRoom): Promise<void> {
    await store.doubt(room.id);
    wake(room.id);
  }

  return {
    putBack,
    async rename(room, { content: { name: wanted } }, actor) {
      // The current name counts: this event may be an old one that is delivered again.
      const current = await lookup.roomName(room);
      if (current === null || current.trim() === "") return await putBack(room);
      if (wanted === current && current.trim() !== room.chatroom.name)
        await roomLifecycle.rename(actor, room.token, current);
    },
    async redacted(room, eventId) {
      if (await lookup.isState(room, eventId)) await putBack(room);
    },
  };
}
