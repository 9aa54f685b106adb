/** [GW-9.1] A call as sessions see it: its participants by the ids under which they are addressed. */
import { callSessionId } from "../../domain/context/session-names.ts";
import type { CallState } from "../../domain/ports/hot.ts";
import type { CallFrame } from "../../protocol/frames.ts";

export function callShape({ flags, participants }: CallState): Pick<CallFrame, "flags" | "participants"> {
  const shown = participants.map((one) => ({
    session: callSessionId(one.session),
    actor: one.actor,
    flags: one.flags,
  }));
  return { flags, participants: shown };
}
