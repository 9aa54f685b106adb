/** Rooms as the list of a member shows them. Part of {@link UseCases}; the same promises hold. */
import type { Actor, MemberKey } from "../model.ts";
import type { RoomAtAGlance, RoomLists, SessionRoom } from "../ports/store/room-lists.ts";

/** One room of the list. What is hot state shows as 0 while it is away. */
export interface RoomEntryView {
  room: SessionRoom;
  shown: RoomAtAGlance;
  /** When the member last looked at the room, ms; 0: never. */
  lastPing: number;
  /** The OR of the flags of those in the call; 0: no call. */
  call: number;
  /** The member waits in the lobby: nothing of the log and of the call is for them. */
  waiting: boolean;
}

/** A member's rooms at the start of a session. */
export interface RoomsAtStart {
  /** All of them, newest activity first. */
  rooms: { room: SessionRoom; waiting: boolean }[];
  /** The first of them, as many as were asked for. */
  entries: RoomEntryView[];
}

export interface RoomEntries {
  /**
   * All rooms of the member in one query, and one round trip to hot state.
   * @param wanted see `RoomLists.sessionRooms`
   */
  atStart(actor: Actor, wanted?: Parameters<RoomLists["sessionRooms"]>[1]): Promise<RoomsAtStart>;
  /**
   * A page of the member's rooms, newest activity first.
   * @param page `after`: the token of the last room of the page before; `archived`: only those that are, or are not
   * @throws DomainError `not_found` on `after` when the member is not in that room; `bad_request` for a limit outside of 1–500
   */
  page(
    actor: Actor,
    page: { after?: string | undefined; limit: number; archived?: boolean | undefined },
  ): Promise<{ entries: RoomEntryView[]; more: boolean }>;
  /** @throws DomainError `not_found` */
  of(actor: Actor, room: string): Promise<RoomEntryView>;
  /** The entries that one room has for some of its members, in one query. Those who are not in it are missing. */
  ofMembers(roomId: number, members: readonly MemberKey[]): Promise<Map<MemberKey, RoomEntryView>>;
}
