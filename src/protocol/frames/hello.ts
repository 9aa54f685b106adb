/** Saying hello: PROTOCOL.md, section 2 and 7. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, seq } from "./fields.ts";
import { pageOfRooms } from "./room-list.ts";

// What the SDK sends is tried first: each try that fails costs, and ten thousand sessions name twenty rooms each at once.
const place = z.union([z.strictObject({ seq, at: z.int().min(0) }), seq]);
/** [GW-7.6] How far a client came: a seq, or with the time of the event at it, which is proof. */
export type Place = z.infer<typeof place>;

export const HELLO_OPS = {
  hello: z.strictObject({
    op: z.literal("hello"),
    ref,
    token: z.string().min(1).max(LIMITS.TOKEN_CHARACTERS),
    device: z.string().min(1).max(LIMITS.DEVICE_CHARACTERS).optional(),
    rooms: z.strictObject({ limit: pageOfRooms }).optional(),
    resume: z
      .strictObject({
        epoch: z.string(),
        rooms: z.record(z.string(), place),
        hidden: z.int().min(0).optional(),
      })
      .optional(),
  }),
};
