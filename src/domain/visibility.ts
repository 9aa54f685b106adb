/**
 * Hides from a member what happens to messages from before the member's history, because later events about such a
 * message would show its text.
 */
import { dataOf } from "./event-data.ts";
import type { HiddenData, LoggedEvent } from "./model.ts";

/**
 * Types of events that show something of an earlier message. A deletion shows nothing, and clients that kept the message
 * from an earlier membership need it to remove the message.
 */
const TELLING: ReadonlySet<string> = new Set([
  "message.edited",
  "reaction.added",
  "reaction.removed",
  "message.pinned",
  "message.unpinned",
]);

/** Whether events of this type show something of an earlier message. Their data has the message's `seq`. */
export function tellsOfMessage(type: string): boolean {
  return TELLING.has(type);
}

/** The event for a member who may see events with a seq greater than `historyFrom`; 0: all. */
export function asSeen(event: LoggedEvent, historyFrom: number): LoggedEvent {
  if (historyFrom === 0 || !tellsOfMessage(event.type)) return event;
  const { seq } = dataOf<"message.edited" | "message.pinned">(event);
  if (seq > historyFrom) return event;
  return { ...event, dataJson: JSON.stringify({ seq, hidden: true } satisfies HiddenData) };
}
