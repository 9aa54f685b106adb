/** Calls: PROTOCOL.md, section 9. */
import { z } from "zod";
import { flags, ref, room } from "./fields.ts";
import type { CallFrame } from "./server.ts";

export const CALL_OPS = {
  "call.join": z.strictObject({ op: z.literal("call.join"), ref, room, flags }),
  "call.flags": z.strictObject({ op: z.literal("call.flags"), ref, room, flags }),
  "call.leave": z.strictObject({ op: z.literal("call.leave"), ref, room }),
};

/** What `ok` holds beside `op` and `ref`. */
export interface CallAnswers {
  "call.join": Omit<CallFrame, "op">;
  "call.flags": Omit<CallFrame, "op">;
  "call.leave": Omit<CallFrame, "op">;
}
