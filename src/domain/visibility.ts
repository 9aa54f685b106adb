/** What a member may not learn of messages from before their history: not by what happens to these messages later, either. */
import { dataOf } from "./event-data.ts";
import type { HiddenData, LoggedEvent } from "./model.ts";

/**
 * Events that tell of an earlier message. A deletion is none of them: it tells nothing, and who kept the message from an
 * earlier stay has to let it go.
 */
const TELLING: ReadonlySet<string> = new Set([
  "message.edited",
  "reaction.added",
  "reaction.removed",
  "message.pinned",
  "message.unpinned",
]);

/** Whether an event of this type tells of an earlier message: its data then has the message's `seq`. */
export function tellsOfMessage(type: string): boolean {
  return TELLING.has(type);
}

/** An event as a member sees it whose history begins after this seq. */
export function asSeen(event: LoggedEvent, historyFrom: number): LoggedEvent {
  if (historyFrom === 0 || !tellsOfMessage(event.type)) return event;
  const { seq } = dataOf<"message.edited" | "message.pinned">(event);
  if (seq > historyFrom) return event;
  return { ...event, dataJson: JSON.stringify({ seq, hidden: true } satisfies HiddenData) };
}
