/**
 * The unread counters in hot state. They cache the store's `unread = messages − readMessages`, so no operation waits for
 * them or fails because of them.
 */
import type { Context } from "../context/context.ts";
import { type Actor, MENTION_ALL, type MemberKey, memberKey } from "../model.ts";
import type { ReadState } from "../ports/store/log.ts";

export interface UnreadCache {
  /** A read marker was moved. */
  marked(member: MemberKey, roomId: number, state: ReadState): void;
  /** The member's own message moved the marker: drops the counter, which the next reader loads from the store. */
  sent(member: MemberKey, roomId: number): void;
  /** A message mentions these ids, or everybody. */
  mentioned(sender: Actor, roomId: number, ids: readonly string[]): void;
  /** The mentions of these ids, or of everybody, changed in old messages. */
  recounted(roomId: number, ids: readonly string[]): void;
  /** The member is no longer in the room. */
  forget(member: MemberKey, roomId: number): void;
}

export function createUnreadCache(context: Context): UnreadCache {
  const { hot, store } = context;
  const drop = createDrops(context);
  /** By room and sender: mentions of everybody that are not counted yet. For each, one query for members runs at a time. */
  const everybody = new Map<string, number>();

  async function countEverybody(key: string, sender: MemberKey, roomId: number): Promise<void> {
    try {
      for (let n = everybody.get(key) ?? 0; n > 0; n = everybody.get(key) ?? 0) {
        everybody.set(key, 0);
        const members = await store.memberships.list([roomId]);
        const others = members.map(({ member }) => member).filter((member) => member !== sender);
        for (let i = 0; i < n; i++) await hot.unread.mentioned(roomId, others);
      }
    } finally {
      everybody.delete(key);
    }
  }

  return {
    marked(member, roomId, { read, readMessages, mentions }) {
      const entry = { read, readMessages, mentions };
      void context.bestEffort("Counting unread messages", () => hot.unread.set(member, [{ roomId, entry }]));
    },
    sent: drop,
    mentioned(sender, roomId, ids) {
      const member = memberKey(sender);
      if (!ids.includes(MENTION_ALL)) {
        const keys = keysOf(ids).filter((key) => key !== member);
        void context.bestEffort("Counting mentions", () => hot.unread.mentioned(roomId, keys));
        return;
      }
      const key = `${roomId} ${member}`;
      const waiting = everybody.get(key);
      everybody.set(key, (waiting ?? 0) + 1);
      if (waiting !== undefined) return;
      void context.bestEffort("Counting mentions", () => countEverybody(key, member, roomId));
    },
    recounted(roomId, ids) {
      for (const member of keysOf(ids)) drop(member, roomId);
      if (!ids.includes(MENTION_ALL)) return;
      void context.bestEffort("Dropping unread counters", async () => {
        for (const { member } of await store.memberships.list([roomId])) drop(member, roomId);
      });
    },
    forget: drop,
  };
}

/** The keys of members that mentioned ids may mean. */
function keysOf(ids: readonly string[]): MemberKey[] {
  return ids.flatMap((id) => [`u:${id}`, `g:${id}`, `m:${id}`]);
}

/** Collects the drops of one turn of the event loop, so that a batch of sends costs one call per sender. */
function createDrops({ hot, bestEffort }: Context): (member: MemberKey, roomId: number) => void {
  let dropped = new Map<MemberKey, number[]>();

  function flush(): void {
    const batch = dropped;
    dropped = new Map();
    for (const [member, rooms] of batch) {
      void bestEffort("Dropping unread counters", () => hot.unread.drop(member, rooms));
    }
  }

  return (member, roomId) => {
    if (dropped.size === 0) setImmediate(flush);
    const rooms = dropped.get(member);
    if (!rooms) dropped.set(member, [roomId]);
    else if (!rooms.includes(roomId)) rooms.push(roomId);
  };
}
