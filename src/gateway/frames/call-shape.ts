/** [GW-9.1] A call as sessions see it: without the session ids of its participants. */
import type { CallState } from "../../domain/ports/hot.ts";
import type { CallFrame } from "../../protocol/frames.ts";

export function callShape({ flags, participants }: CallState): Pick<CallFrame, "flags" | "participants"> {
  return { flags, participants: participants.map((one) => ({ actor: one.actor, flags: one.flags })) };
}
