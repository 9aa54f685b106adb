/** [GW-3.6] How many frames a connection may send: a bucket that fills up again, kept in the session itself. */
import { LIMITS } from "../../protocol/limits.ts";
import type { Session } from "./session.ts";

/** Takes one frame from the session's allowance. Returns 0, or the milliseconds until the next may come. */
export function takeFrame(session: Session): number {
  const now = performance.now();
  const gained = ((now - session.allowanceAt) * LIMITS.FRAMES_PER_SECOND) / 1_000;
  session.allowance = Math.min(LIMITS.FRAME_BURST, session.allowance + gained);
  session.allowanceAt = now;
  if (session.allowance >= 1) {
    session.allowance--;
    return 0;
  }
  session.refusedFrames++;
  return Math.ceil(((1 - session.allowance) * 1_000) / LIMITS.FRAMES_PER_SECOND);
}
