/** Tells people that they are mentioned by a message no more, or by one that they have not read. */
import type { Context } from "../context/context.ts";
import { type LoggedEvent, MENTION_ALL, userKey } from "../model.ts";
import type { UnreadCache } from "./unread.ts";

/**
 * @param message the message; only for who has not read it anything changed
 * @param ids whom it mentions now and did not before, or the other way round. Everybody at once is told nothing: they
 *   count anew with their next read marker, because a message each is too much in a large room
 */
export type Recount = (
  message: Pick<LoggedEvent, "conversationId" | "room" | "seq">,
  ids: readonly string[],
) => Promise<void>;

export function createRecount(context: Context, unread: UnreadCache): Recount {
  const { store, broadcasts, bestEffort } = context;
  return async ({ conversationId, room, seq }, ids) => {
    if (ids.length === 0) return;
    unread.recounted(conversationId, ids);
    const users = ids
      .filter((id) => id !== MENTION_ALL)
      .map(Number)
      .filter(Number.isSafeInteger);
    const byKey = new Map(users.map((id) => [userKey(id), id]));
    await bestEffort("Telling what is unread", async () => {
      for (const state of await store.log.unread(conversationId, [...byKey.keys()])) {
        const { member, head, read, unread: left, mentions: mention } = state;
        if (read >= seq) continue;
        const counted = { read, unread: left, mention, head };
        broadcasts.unread({ id: conversationId, token: room }, byKey.get(member) as number, counted);
      }
    });
  };
}
