/** Refusals of use cases, in the words of the frame that asked. */
import { DomainError } from "../../domain/errors.ts";

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
