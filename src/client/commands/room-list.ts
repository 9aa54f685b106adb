/** The list of rooms: the user's own settings in it, and how it comes in pages. */
import type { OkFields, OkFrame, Question, ReadyFrame, RoomEntry } from "../../protocol/frames.ts";
import { ROOMS_MOST } from "../../protocol/limits.ts";
import type { Command } from "./command.ts";

export interface RoomListCommands {
  /** Changes what the user set for themselves in a room. Resolves with the room's entry. */
  settings: Command<"settings">;
}

/** The list of a client, as far as a session has told of it. */
export interface RoomList {
  /** Takes entries that the session tells. */
  meet(rooms: readonly RoomEntry[]): void;
  readonly logs: {
    /** Whether there are rooms whose entry the session has not told. */
    readonly areSomeUnmet: boolean;
    /** The user is in no other rooms than the session has told of. */
    allMet(): void;
  };
}

/** How the list of rooms comes in pages. {@link pagedRooms} makes it. */
export interface RoomPages {
  /** How many rooms the session begins with. */
  limit: number;
  /** Asks for those that `ready` left out. Rejects with `Refused` or `ConnectionLost`. */
  load(
    ready: ReadyFrame,
    ask: (question: Question<"rooms">) => Promise<OkFrame<"rooms">>,
    list: RoomList,
  ): Promise<void>;
}

/**
 * For `rooms` of a client's options: a session begins with the `limit` rooms (1 to 500) that were active last, and the client asks
 * for the others behind it. They come as the event `room`, and in `client.rooms`. It is no part of the client, so that an app
 * whose users have few rooms does not carry it.
 */
export function pagedRooms(limit: number): RoomPages {
  return {
    limit,
    async load({ rooms }, ask, list) {
      const next = async (after?: string): Promise<OkFields["rooms"]> => {
        const page = await ask({ op: "rooms", limit: ROOMS_MOST, ...(after && { after }) });
        list.meet(page.rooms);
        return page;
      };
      for (let last = rooms.at(-1)?.room; last !== undefined; ) {
        const page = await next(last);
        last = page.more && page.rooms.at(-1)?.room;
      }
      // Rooms that became active meanwhile went to the front, and are in no page behind it [GW-15.7].
      if (list.logs.areSomeUnmet) await next();
      list.logs.allMet();
    },
  };
}
