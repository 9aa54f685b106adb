/** Open rooms, typing and signs of life: PROTOCOL.md, section 8. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room } from "./fields.ts";
import type { RoomNow } from "./server.ts";

export const PRESENCE_OPS = {
  open: z.strictObject({ op: z.literal("open"), ref, room }),
  close: z.strictObject({ op: z.literal("close"), ref, room }),
  typing: z.strictObject({ op: z.literal("typing"), ref, room, on: z.boolean() }),
  ping: z.strictObject({
    op: z.literal("ping"),
    ref,
    rooms: z.array(room).max(LIMITS.PING_ROOMS).optional(),
  }),
};

/** What `ok` holds beside `op` and `ref`. */
export interface PresenceAnswers {
  open: RoomNow;
  close: Record<never, never>;
  typing: Record<never, never>;
  ping: { at: number };
}
