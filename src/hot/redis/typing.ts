import type { Typing } from "../../domain/ports/hot.ts";
import { pairs } from "../lists.ts";
import type { Argument, Commands, RedisClient } from "./connection/client.ts";
import { createDeadlines, GRACE_MS } from "./deadlines.ts";

/** The answer of typing.lua. */
type Answer = [changed: number, next: string, ended: string[]];

export function createRedisTyping(client: RedisClient): Typing {
  const { keys } = client;
  const deadlines = createDeadlines(client, "typing");

  function change(commands: Commands, id: number, ...args: Argument[]): Promise<Answer> {
    return commands.run("typing", [keys.typing(id), keys.typingNames(id)], args);
  }

  return {
    async set(id, { member, session, name }, on, now, ttlMs) {
      if (!on) return (await change(client, id, "off", now, member, session))[0] === 1;
      const until = now + ttlMs;
      const [[changed]] = await Promise.all([
        change(client, id, "on", now, member, session, until, name, ttlMs + GRACE_MS),
        deadlines.note([id], until),
      ]);
      return changed === 1;
    },
    forget: async (id, member) => (await change(client, id, "forget", client.now(), member, ""))[0] === 1,
    async get(id, now) {
      const [entries, names] = await Promise.all([
        client.send<string[]>("zrangebyscore", keys.typing(id), `(${now}`, "+inf"),
        client.send<Record<string, string>>("hgetall", keys.typingNames(id)),
      ]);
      const members = new Set(entries.map((entry) => entry.slice(0, entry.indexOf(" "))));
      return [...members].map((member) => ({ member, name: names[member] ?? "" }));
    },
    async sweep(now) {
      const ended: Awaited<ReturnType<Typing["sweep"]>> = [];
      await deadlines.sweep(now, async (roomId) => {
        const [, next, flat] = await change(client.background, roomId, "sweep", now);
        for (const [member, name] of pairs(flat)) ended.push({ roomId, member, name });
        return next === "" ? null : Number(next);
      });
      return ended;
    },
  };
}
