/** Unread counters: one hash per member, so that one command reads the counters of all rooms. */
import type { UnreadCounters, UnreadEntry } from "../../domain/ports/hot.ts";
import { UNREAD_MS } from "../lifetimes.ts";
import type { RedisClient } from "./connection/client.ts";

export function createRedisUnread(client: RedisClient): UnreadCounters {
  const { keys } = client;
  return {
    async get(member, roomIds) {
      if (roomIds.length === 0) return [];
      const kept = await client.send<(string | null)[]>("hmget", keys.unread(member), ...roomIds);
      return kept.map((text) => (text === null ? null : parse(text)));
    },
    async set(member, entries) {
      if (entries.length === 0) return;
      const values = entries.flatMap(({ roomId, entry }) => [
        ...[roomId, entry.read, entry.readMessages, entry.mentions],
      ]);
      await client.run("unread-set", [keys.unread(member)], [UNREAD_MS, ...values]);
    },
    async mentioned(roomId, members) {
      const together = client.together(members.map(keys.unread));
      await Promise.all(together.map((hashes) => client.run("unread-mentioned", hashes, [roomId])));
    },
    async drop(member, roomIds) {
      if (roomIds.length > 0) await client.send("hdel", keys.unread(member), ...roomIds);
    },
  };
}

function parse(text: string): UnreadEntry {
  const [read = 0, readMessages = 0, mentions = 0] = text.split(" ").map(Number);
  return { read, readMessages, mentions };
}
