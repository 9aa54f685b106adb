/** Reads what a message says now, so that what it said before does not get to Matrix. */
import { dataOf } from "../../src/domain/event-data.ts";
import type { EventData, LoggedEvent } from "../../src/domain/model.ts";
import type { UserStore } from "../../src/domain/ports/store/accounts/users.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { Mentioned } from "../formatting/pills.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { shownHash } from "../mapping/translate.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { OutboxEntry } from "../store/queues.ts";
import type { EntryWithText } from "./writes.ts";

/**
 * Adds to an entry what its message says now. When the text has changed since the entry was planned, an earlier try may have
 * sent the old one: then `shown` is unknown, null.
 */
export type CurrentText = (room: OpenRoom, entry: OutboxEntry, event: LoggedEvent) => Promise<EntryWithText>;

export function createCurrentText({
  log,
  users,
  ghosts,
}: {
  log: Pick<RoomLog, "event">;
  users: Pick<UserStore, "byIds">;
  ghosts: Ghosts;
}): CurrentText {
  /** The users among the mentioned, and how texts may name them. */
  async function mentionedIn(mentions: readonly string[]): Promise<Mentioned[]> {
    const ids = mentions.filter((id) => /^[1-9]\d{0,8}$/.test(id)).map(Number);
    const people = ids.length === 0 ? [] : await users.byIds(ids);
    return people.map(({ id, handle, displayName: name }) => ({
      matrixId: ghosts.ofUser(id),
      ...{ name, written: [name, handle, String(id)] },
    }));
  }

  return async (room, entry, event) => {
    const { op, target } = entry;
    const edited = op === "edit" && target !== null ? await log.event(room.id, target) : null;
    const message = dataOf<"message">(edited ?? event) as Partial<EventData["message"]>;
    const { text = "", mentions = [], format, kind, data } = message;
    const isText = op === "edit" || (op === "message" && entry.file === null);
    const shown = isText && entry.shown !== shownHash(text) ? null : entry.shown;
    const mentioned = isText ? await mentionedIn(mentions) : [];
    const marked = { ...(kind !== undefined && { kind }), ...(data && { data }) };
    return { ...entry, shown, current: { ...marked, text, mentions, format, mentioned } };
  };
}
