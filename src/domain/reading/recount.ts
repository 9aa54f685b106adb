/** Announces new unread counts after an edit or deletion changed the mentions of a message. */
import type { Context } from "../context/context.ts";
import { actorOf, type LoggedEvent, MENTION_ALL, type MemberKey, userKey } from "../model.ts";
import type { UnreadCache } from "./unread.ts";

type Message = Pick<LoggedEvent, "roomId" | "room" | "seq">;

/**
 * Counts of members who have read a message do not change. A change of the mention of everybody is not announced, because that would
 * be a message to each member of a large room; their next read marker has the right count.
 */
export interface Recount {
  /** @param ids mentions that the message gained or lost */
  edited(message: Message, ids: readonly string[]): Promise<void>;
  /** Deleted messages are subtracted by all who count, also by those who hid them and had subtracted them. */
  deleted(messages: readonly (Message & { mentions: readonly string[] })[]): Promise<void>;
}

export function createRecount(context: Context, unread: UnreadCache): Recount {
  const { store, broadcasts, bestEffort } = context;

  /** @param hiders of a deleted message */
  async function tell({ roomId, room, seq }: Message, ids: readonly string[], hiders: readonly MemberKey[]) {
    const users = ids
      .filter((id) => id !== MENTION_ALL)
      .map(Number)
      .filter(Number.isSafeInteger);
    const byKey = new Map(users.map((id) => [userKey(id), id]));
    for (const key of hiders) {
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
  }

  return {
    async edited(message, ids) {
      if (ids.length > 0) unread.recounted(message.roomId, ids);
      await bestEffort("Telling what is unread", () => tell(message, ids, []));
    },
    async deleted(messages) {
      if (messages.length === 0) return;
      for (const { roomId, mentions } of messages)
        if (mentions.length > 0) unread.recounted(roomId, mentions);
      await bestEffort("Telling what is unread", async () => {
        const hidden = await store.messages.hiders(messages);
        for (const message of messages) {
          const { roomId, seq, mentions } = message;
          const hiders = hidden.filter((by) => by.roomId === roomId && by.seq === seq);
          await tell(
            message,
            mentions,
            hiders.map(({ member }) => member),
          );
        }
      });
    },
  };
}
