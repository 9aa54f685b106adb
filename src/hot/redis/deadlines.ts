/**
 * Which rooms hold something that decays, and by when: what lets the sweeper find them without anybody reading them.
 * The index lies apart from the rooms' own keys, which may be on other nodes of a cluster; a room's keys therefore also
 * have a time to live, in case an entry here is lost.
 */
import { INDEX_MS } from "../lifetimes.ts";
import { groupedBy } from "../lists.ts";
import type { Commands, RedisClient } from "./connection/client.ts";
import { SHARDS } from "./connection/keys.ts";

/** How much longer than what they hold the keys live: the sweeper comes first. */
export const GRACE_MS = 60_000;
const ROOMS_AT_ONCE = 200;

export interface Deadlines {
  /** Something in these rooms decays at `at`. */
  note(conversationIds: readonly number[], at: number): Promise<void>;
  /** Looks at every room that is due. */
  sweep(now: number, look: Look): Promise<void>;
}

/** Forgets what decayed in a room; tells when the next is due (null: nothing is left). */
type Look = (conversationId: number) => Promise<number | null>;

export function createDeadlines(client: RedisClient, kind: "calls" | "active" | "typing"): Deadlines {
  const { keys } = client;
  const indexOf = (conversationId: number) => keys.deadlines(kind, conversationId % SHARDS);

  /** The earliest deadline stays: what was refreshed meanwhile is looked at once for nothing. */
  async function note(commands: Commands, conversationIds: readonly number[], at: number): Promise<void> {
    const shards = groupedBy(conversationIds, indexOf);
    const notes = [...shards].flatMap(([index, ids]) => [
      commands.send("zadd", index, "LT", ...ids.flatMap((id) => [at, id])),
      commands.send("pexpire", index, INDEX_MS),
    ]);
    await Promise.all(notes);
  }

  async function sweepRoom(id: number, look: Look): Promise<void> {
    const next = await look(id);
    if (next !== null) await note(client.background, [id], next);
  }

  async function sweepShard(index: string, now: number, look: Look): Promise<void> {
    for (;;) {
      const range = [index, "-inf", now, "LIMIT", 0, ROOMS_AT_ONCE];
      const due = await client.background.send<string[]>("zrangebyscore", ...range);
      if (due.length === 0) return;
      // Before looking: what comes into a room after the look is noted anew.
      await client.background.send("zrem", index, ...due);
      await Promise.all(due.map((id) => sweepRoom(Number(id), look)));
    }
  }

  return {
    note: (conversationIds, at) => note(client, conversationIds, at),
    async sweep(now, look) {
      const shards = Array.from({ length: SHARDS }, (_, shard) => keys.deadlines(kind, shard));
      await Promise.all(shards.map((index) => sweepShard(index, now, look)));
    },
  };
}
