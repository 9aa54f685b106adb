/** Reads the data of events. The log, the journal and hot state keep it as JSON text. */
import { isUser, type JournalData, type LoggedEvent } from "./model.ts";

type WithData = Pick<LoggedEvent, "dataJson">;

/** The data of an event of type `T`. The caller has checked the event's `type`. */
export function dataOf<T extends keyof JournalData>({ dataJson }: WithData): JournalData[T] {
  return JSON.parse(dataJson) as JournalData[T];
}

/** Whether a `member.…` event is about this user's membership. */
export function isAbout(event: WithData, userId: number): boolean {
  return isUser(dataOf<"member.joined" | "member.left" | "member.changed">(event).member, userId);
}
