/**
 * Applies what people change of a room's state in Matrix, where the chat lets them. What the chat does not have so, and what
 * nobody with the right to it changed or removed, is put back.
 */
import type { Actor } from "../../src/domain/model.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { MatrixEvent } from "../mapping/matrix-events.ts";
import { type InboundPins, PINNED_EVENTS } from "../profile/pins.ts";
import type { InboundRoles } from "../profile/roles.ts";
import type { RoomProfile } from "../profile/room-profile.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface InboundState {
  /** Applies a state event with an empty key. @throws DomainError when a use case refuses; HomeserverError */
  apply(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void>;
  /** Lets the room's next turn put back what differs from the chat. */
  putBack(room: OpenRoom): Promise<void>;
  /** Puts the state back when the redacted event is a part of it. @throws HomeserverError */
  redacted(room: OpenRoom, eventId: string): Promise<void>;
}

export interface InboundStateOptions {
  store: Pick<BridgeStore, "doubt">;
  roomLifecycle: Pick<UseCases["roomLifecycle"], "rename">;
  profile: RoomProfile;
  roles: InboundRoles;
  pins: InboundPins;
  lookup: MatrixLookup;
  /** Gives the room another turn. */
  wake: (roomId: number) => void;
}

export function createInboundState(options: InboundStateOptions): InboundState {
  const { store, roomLifecycle, profile, roles, pins, lookup, wake } = options;

  async function putBack(room: OpenRoom): Promise<void> {
    await store.doubt(room.id);
    wake(room.id);
  }

  /** @returns false when the name has to be put back */
  async function rename(
    room: OpenRoom,
    { content: { name: wanted } }: MatrixEvent,
    actor: Actor,
  ): Promise<boolean> {
    // The current name counts: this event may be an old one that is delivered again.
    const { name: current } = await lookup.roomState(room, "m.room.name");
    if (typeof current !== "string" || current.trim() === "") return false;
    if (wanted === current && current.trim() !== room.chatroom.name)
      await roomLifecycle.rename(actor, room.token, current);
    return true;
  }

  /** @returns false when the state has to be put back */
  async function change(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<boolean> {
    switch (event.type) {
      case "m.room.name":
        return await rename(room, event, actor);
      case "m.room.topic":
        return await profile.topic(room, event, actor);
      case "m.room.avatar":
        return await profile.picture(room, event, actor);
      case "m.room.power_levels":
        await roles.apply(room, event, actor);
        return false;
      case PINNED_EVENTS:
        return await pins.apply(room, event, actor);
      default:
        return false;
    }
  }

  return {
    putBack,
    async apply(room, event, actor) {
      // Who made the room in Matrix decides about it there.
      if (room.foreign) return;
      if (!(await change(room, event, actor))) await putBack(room);
    },
    async redacted(room, eventId) {
      if (await lookup.isState(room, eventId)) await putBack(room);
    },
  };
}
