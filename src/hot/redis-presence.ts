import { actorOf } from "../domain/model.ts";
import type { Presence } from "../domain/ports/hot.ts";
import { ACTIVE_MS, LAST_PING_MS } from "./lifetimes.ts";
import { pairs } from "./lists.ts";
import type { RedisClient } from "./redis-client.ts";
import { createDeadlines, GRACE_MS } from "./redis-deadlines.ts";

const FORGOTTEN_AT_ONCE = 1_000;

export function createRedisPresence(client: RedisClient): Presence & { sweep(now: number): Promise<number> } {
  const { keys } = client;
  const deadlines = createDeadlines(client, "active");
  const roomKeys = (id: number) => [keys.active(id), keys.activeNames(id)];

  return {
    async ping(member, name, conversationIds, now) {
      if (conversationIds.length === 0) return [];
      const own = keys.lastPings(member);
      const args = [member, name, now, now - ACTIVE_MS, ACTIVE_MS + GRACE_MS];
      const [fresh] = await Promise.all([
        Promise.all(conversationIds.map((id) => client.run<number>("presence-ping", roomKeys(id), args))),
        client.send("hset", own, ...conversationIds.flatMap((id) => [id, now])),
        client.send("pexpire", own, LAST_PING_MS),
        deadlines.note(conversationIds, now + ACTIVE_MS),
      ]);
      return conversationIds.filter((_, i) => fresh[i] === 1);
    },
    async leave(member, conversationIds) {
      const removals = conversationIds.flatMap((id) => [
        client.send("zrem", keys.active(id), member),
        client.send("hdel", keys.activeNames(id), member),
      ]);
      await Promise.all(removals);
    },
    async lastPings(member, conversationIds) {
      if (conversationIds.length === 0) return [];
      const pings = await client.send<(string | null)[]>("hmget", keys.lastPings(member), ...conversationIds);
      return pings.map(Number);
    },
    async isActive(member, conversationIds, now, windowMs) {
      const scores = conversationIds.map((id) =>
        client.send<string | null>("zscore", keys.active(id), member),
      );
      return (await Promise.all(scores)).map((lastPing) => Number(lastPing) > now - windowMs);
    },
    async active(conversationId, now, windowMs) {
      const range = [keys.active(conversationId), `(${now - windowMs}`, "+inf", "WITHSCORES"];
      const [pings, names] = await Promise.all([
        client.send<string[]>("zrangebyscore", ...range),
        client.send<Record<string, string>>("hgetall", keys.activeNames(conversationId)),
      ]);
      return pairs(pings).map(([member, lastPing]) => {
        const name = names[member] ?? "";
        return { member, name, lastPing: Number(lastPing), guest: actorOf(member, name).kind === "guest" };
      });
    },
    sweep: (now) =>
      deadlines.sweep(now, async (id) => {
        const args = [now - ACTIVE_MS, FORGOTTEN_AT_ONCE];
        const swept = await client.background.run<[number, string]>("presence-sweep", roomKeys(id), args);
        const [removed, oldest] = swept;
        return { removed, next: oldest === "" ? null : Number(oldest) + ACTIVE_MS };
      }),
  };
}
