/** What carries out commands. */
import type { ClientFrames, OkFields } from "../../protocol/frames.ts";
import type { Speaker } from "../sessions/session.ts";

/** A handler for each of these ops. It resolves with what `ok` holds, or throws a DomainError. */
export type Handlers<Op extends keyof OkFields> = {
  [Each in Op]: (speaker: Speaker, frame: ClientFrames[Each]) => Promise<OkFields[Each]>;
};
