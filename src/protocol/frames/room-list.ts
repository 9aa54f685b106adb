/** The list of rooms, and a member's own settings in it: PROTOCOL.md, section 15. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room } from "./fields.ts";
import type { RoomEntry } from "./server.ts";

/** [GW-15.7] How many rooms a page holds. */
export const pageOfRooms = z.int().min(1).max(LIMITS.ROOMS_MOST);

export const ROOM_LIST_OPS = {
  rooms: z.strictObject({
    op: z.literal("rooms"),
    ref,
    after: room.optional(),
    limit: pageOfRooms.default(LIMITS.ROOMS_DEFAULT),
    archived: z.boolean().optional(),
  }),
  settings: z.strictObject({
    op: z.literal("settings"),
    ref,
    room,
    muted: z.boolean().optional(),
    mutedUntil: z.int().nullable().optional(),
    pinned: z.boolean().optional(),
    archived: z.boolean().optional(),
    favorite: z.boolean().optional(),
    notify: z.enum(["all", "mentions", "none"]).optional(),
  }),
};

/** What `ok` holds beside `op` and `ref`. */
export interface RoomListAnswers {
  rooms: { rooms: RoomEntry[]; more?: true };
  settings: { room: RoomEntry };
}
