/** Reading the data of an event: the log, the journal and hot state keep it as JSON text. */
import { isUser, type JournalData, type LoggedEvent } from "./model.ts";

type WithData = Pick<LoggedEvent, "dataJson">;

/** The data of an event of type `T`; the caller has looked at the event's `type`. */
export function dataOf<T extends keyof JournalData>({ dataJson }: WithData): JournalData[T] {
  return JSON.parse(dataJson) as JournalData[T];
}

/** Whether a `member.…` event tells of this user's own membership. */
export function isAbout(event: WithData, userId: number): boolean {
  return isUser(dataOf<"member.joined" | "member.left" | "member.changed">(event).member, userId);
}
