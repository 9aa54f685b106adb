/** Rooms as the list of a member shows them. Part of {@link UseCases}; the same promises hold. */
import type { Actor } from "../model.ts";
import type { AskedPlaces, SessionRoom } from "../ports/store/room-lists.ts";

/** One room of the list. What is hot state shows as 0 while it is away. */
export interface RoomEntryView {
  room: SessionRoom;
  /** When the member last looked at the room, ms; 0: never. */
  lastPing: number;
  /** The OR of the flags of those in the call; 0: no call. */
  call: number;
  /** The member waits in the lobby: nothing of the log and of the call is for them. */
  waiting: boolean;
}

export interface RoomEntries {
  /**
   * All rooms of the member, newest activity first, in one query and one round trip to hot state.
   * @param asked see `RoomLists.sessionRooms`
   */
  list(actor: Actor, asked?: AskedPlaces): Promise<RoomEntryView[]>;
  /** @throws DomainError `not_found` */
  of(actor: Actor, room: string): Promise<RoomEntryView>;
}
