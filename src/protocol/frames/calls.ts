/** Calls: PROTOCOL.md, section 9. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { flags, ref, room } from "./fields.ts";
import type { CallFrame } from "./server.ts";

export const CALL_OPS = {
  "call.join": z.strictObject({ op: z.literal("call.join"), ref, room, flags }),
  "call.flags": z.strictObject({ op: z.literal("call.flags"), ref, room, flags }),
  "call.leave": z.strictObject({ op: z.literal("call.leave"), ref, room }),
  // [GW-9.4] `to` is a session in the call; the domain judges `data`.
  "call.signal": z.strictObject({
    op: z.literal("call.signal"),
    ref,
    room,
    to: z.string().max(LIMITS.CALL_SESSION_CHARACTERS),
    data: z.record(z.string(), z.unknown()),
  }),
  "call.servers": z.strictObject({ op: z.literal("call.servers"), ref }),
};

/** [GW-9.6] A STUN or TURN server, as WebRTC takes it. */
interface CallServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/** What `ok` holds beside `op` and `ref`. */
export interface CallAnswers {
  "call.join": Omit<CallFrame, "op">;
  "call.flags": Omit<CallFrame, "op">;
  "call.leave": Omit<CallFrame, "op">;
  "call.signal": Record<never, never>;
  /** `until` is when the credentials end, ms. */
  "call.servers": { servers: CallServer[]; until?: number };
}
