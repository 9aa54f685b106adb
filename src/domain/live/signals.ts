/** What sessions in a call say to each other: its bounds, and how it is told in the words of Talk's clients. */
import { badField } from "../errors.ts";
import { checkNesting } from "../text-rules.ts";

export const MAX_SIGNAL_BYTES = 16 * 1024;

/** @throws DomainError `bad_request` on `data` */
export function checkSignal(data: Record<string, unknown>): void {
  checkNesting("data", data);
  if (Buffer.byteLength(JSON.stringify(data)) > MAX_SIGNAL_BYTES) {
    throw badField("data", `must have at most ${MAX_SIGNAL_BYTES} bytes as JSON`);
  }
}

/** For the queue of a client of Talk. Both are Talk's ids of sessions. */
export function toTalk(data: Record<string, unknown>, from: string, to: string): string {
  return JSON.stringify({ ...data, from, to });
}

/** What a client of Talk sent, without the ids that it is addressed by; null for what no WebSocket session may be told. */
export function fromTalk(message: string): Record<string, unknown> | null {
  try {
    const { from: _, to: __, ...data } = JSON.parse(message) as Record<string, unknown>;
    checkSignal(data);
    return data;
  } catch {
    return null;
  }
}
