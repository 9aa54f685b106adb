/** Announces new unread counts after an edit or deletion changed the mentions of a message. */
import type { Context } from "../context/context.ts";
import { actorOf, type LoggedEvent, MENTION_ALL, userKey } from "../model.ts";
import type { UnreadCache } from "./unread.ts";

/**
 * @param message the message. Counts of members who have read it do not change
 * @param ids mentions that the message gained or lost. A change of "all" is not announced, because that would be a message
 *   to each member of a large room; their next read marker has the right count
 * @param deleted the message was deleted: it is subtracted by all who count, also by those who hid it and had subtracted it
 */
export type Recount = (
  message: Pick<LoggedEvent, "roomId" | "room" | "seq">,
  ids: readonly string[],
  deleted?: true,
) => Promise<void>;

export function createRecount(context: Context, unread: UnreadCache): Recount {
  const { store, broadcasts, bestEffort } = context;
  return async ({ roomId, room, seq }, ids, deleted) => {
    if (ids.length > 0) unread.recounted(roomId, ids);
    const users = ids
      .filter((id) => id !== MENTION_ALL)
      .map(Number)
      .filter(Number.isSafeInteger);
    const byKey = new Map(users.map((id) => [userKey(id), id]));
    await bestEffort("Telling what is unread", async () => {
      for (const key of deleted ? await store.messages.hiders({ roomId, seq }) : []) {
        const { kind, id } = actorOf(key, "");
        if (kind === "user") byKey.set(key, Number(id));
      }
      if (byKey.size === 0) return;
      for (const state of await store.log.unread(roomId, [...byKey.keys()])) {
        const { member, head, read, unread: left, mentions: mention } = state;
        if (read >= seq) continue;
        const counted = { read, unread: left, mention, head };
        broadcasts.unread({ id: roomId, token: room }, byKey.get(member) as number, counted);
      }
    });
  };
}
