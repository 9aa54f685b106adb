/**
 * Hides from a member what happens to messages from before the member's history, and to messages that they hid for
 * themselves, because later events about such a message would show its text.
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

/** Stands in the data of every message that answers another or is in a thread, and never inside a text, where quotes are escaped. */
const ANSWERS = /"(?:replyTo|thread)":/;

/** The seqs of other messages of which the event shows something to its readers. */
export function othersIn(event: LoggedEvent): number[] {
  if (tellsOfMessage(event.type)) return [dataOf<"message.edited" | "message.pinned">(event).seq];
  if (event.type !== "message" || !ANSWERS.test(event.dataJson)) return [];
  const { replyTo, thread } = dataOf<"message">(event);
  return [replyTo, thread].filter((seq) => seq !== undefined);
}

/**
 * The event for a member who may see events with a seq greater than `historyFrom`; 0: all.
 * @param isHidden whether the member hid the message at a seq for themselves
 */
export function asSeen(
  event: LoggedEvent,
  historyFrom: number,
  isHidden?: (seq: number) => boolean,
): LoggedEvent {
  if ((historyFrom === 0 && !isHidden) || !tellsOfMessage(event.type)) return event;
  const { seq } = dataOf<"message.edited" | "message.pinned">(event);
  if (seq > historyFrom && !isHidden?.(seq)) return event;
  return { ...event, dataJson: JSON.stringify({ seq, hidden: true } satisfies HiddenData) };
}
