/** What carries out commands. */
import { DomainError } from "../../domain/errors.ts";
import type { ClientFrames, OkFields } from "../../protocol/frames.ts";
import type { Speaker } from "../sessions/session.ts";

/** A handler for each of these ops. It resolves with what `ok` holds, or throws a DomainError. */
export type Handlers<Op extends keyof OkFields> = {
  [Each in Op]: (speaker: Speaker, frame: ClientFrames[Each]) => Promise<OkFields[Each]>;
};

/**
 * Runs a use case. Where it refuses because of a field that has another name in the frame, the refusal names the frame's.
 * @param names from the use case's names to the frame's
 */
export async function withFields<T>(
  names: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DomainError) || error.field === undefined) throw error;
    const { code, field, message, retryAfterMs } = error;
    const named = names[field];
    if (named === undefined) throw error;
    const rule = message.startsWith(`${field} `) ? named + message.slice(field.length) : message;
    throw new DomainError(code, rule, { field: named, retryAfterMs });
  }
}
