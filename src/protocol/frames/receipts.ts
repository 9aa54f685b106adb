/** How far members have come: PROTOCOL.md, section 6. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room, seq } from "./fields.ts";
import type { WireActor } from "./server.ts";

const tooMany = { message: `must name at most ${LIMITS.DELIVERED_ROOMS} rooms` };

export const RECEIPT_OPS = {
  delivered: z.strictObject({
    op: z.literal("delivered"),
    ref,
    rooms: z
      .record(room, seq)
      .refine((rooms) => Object.keys(rooms).length <= LIMITS.DELIVERED_ROOMS, tooMany),
  }),
  receipts: z.strictObject({ op: z.literal("receipts"), ref, room, seq }),
};

/** [GW-6.10] Where a member's marker is, and since when. */
export interface Receipt {
  actor: WireActor;
  seq: number;
  at: number;
}

/** What `ok` holds beside `op` and `ref`. */
export interface ReceiptAnswers {
  delivered: Record<never, never>;
  receipts: {
    /** Missing, as `delivered`, where members are only counted. */
    read?: Receipt[];
    delivered?: Receipt[];
    counts: { members: number; delivered: number; read: number };
  };
}
