/** Names of the changes of a Matrix room, by which dead letters tell them apart. */
import { dataOf } from "../../src/domain/event-data.ts";
import { type LoggedEvent, memberKey } from "../../src/domain/model.ts";

export const POWER_LEVELS = "power levels";
export const PIN = "pinned message";
export const PROFILE = "name, topic and picture";

/** Names the change of a room that an event makes, for its dead letter. */
export function changeOf(event: LoggedEvent): string {
  switch (event.type) {
    case "member.joined":
      return `joining of ${memberKey(dataOf<"member.joined">(event).member)}`;
    case "member.left":
      return `removal of ${memberKey(dataOf<"member.left">(event).member)}`;
    case "member.changed":
      return POWER_LEVELS;
    default:
      return PROFILE;
  }
}
