import { actorOf, type MemberKey } from "../../domain/model.ts";
import type { ActiveSession, FormerParticipant, Presence } from "../../domain/ports/hot.ts";
import { ACTIVE_MS, LAST_PING_MS, MAX_ACTIVE_SESSIONS } from "../lifetimes.ts";
import { chunksOf, pairs } from "../lists.ts";
import type { Argument, RedisClient } from "./connection/client.ts";
import { createDeadlines, GRACE_MS } from "./deadlines.ts";

/** Members that one step of a sweep removes from a room. */
const MAX_SWEPT_MEMBERS = 1_000;

/** The answer of presence.lua. */
type Answer = [before: number, now: number, refreshed: string[]];

export function createRedisPresence(client: RedisClient): Presence {
  const { keys } = client;
  const deadlines = createDeadlines(client, "active");
  const roomKeys = (id: number) => [keys.active(id), keys.activeNames(id), keys.activeSessions(id)];

  function change(
    what: "ping" | "refresh" | "leave" | "forget",
    { id, member, now }: { id: number; member: MemberKey; now: number },
    ...more: Argument[]
  ): Promise<Answer> {
    const args = [what, member, now, now - ACTIVE_MS, ACTIVE_MS + GRACE_MS, ...more];
    return client.run("presence", roomKeys(id), args);
  }

  /** Commands that belong to a ping. They travel with the other commands of this turn. */
  function note(member: MemberKey, roomIds: number[], now: number): Promise<unknown>[] {
    const own = keys.lastPings(member);
    return [
      client.send("hset", own, ...roomIds.flatMap((id) => [id, now])),
      client.send("pexpire", own, LAST_PING_MS),
      deadlines.note(roomIds, now + ACTIVE_MS),
    ];
  }

  return {
    async ping(member, session, name, roomIds, now) {
      if (roomIds.length === 0) return [];
      const [answers] = await Promise.all([
        Promise.all(
          roomIds.map((id) => change("ping", { id, member, now }, session, name, MAX_ACTIVE_SESSIONS)),
        ),
        ...note(member, roomIds, now),
      ]);
      return roomIds.filter((_, i) => answers[i]?.[0] === 0);
    },
    async refresh(member, part, roomId, now) {
      const [, , sessions] = await change("refresh", { id: roomId, member, now }, part);
      if (sessions.length > 0) await Promise.all(note(member, [roomId], now));
      return sessions;
    },
    async leave(member, session, roomIds, now) {
      const leaving = roomIds.map((id) => change("leave", { id, member, now }, session));
      const answers = await Promise.all(leaving);
      return roomIds.filter((_, i) => answers[i]?.[0] === 1 && answers[i]?.[1] === 0);
    },
    forget: async (member, roomId, now) => (await change("forget", { id: roomId, member, now }))[0] === 1,
    async lastPings(member, roomIds) {
      if (roomIds.length === 0) return [];
      const pings = await client.send<(string | null)[]>("hmget", keys.lastPings(member), ...roomIds);
      return pings.map(Number);
    },
    async isActive(member, roomIds, now, windowMs) {
      const scores = roomIds.map((id) => client.send<string | null>("zscore", keys.active(id), member));
      return (await Promise.all(scores)).map((lastPing) => Number(lastPing) > now - windowMs);
    },
    async seen(roomId, members, now, windowMs) {
      const field = String(roomId);
      const [pings, scores] = await Promise.all([
        Promise.all(members.map((one) => client.send<string | null>("hget", keys.lastPings(one), field))),
        Promise.all(members.map((one) => client.send<string | null>("zscore", keys.active(roomId), one))),
      ]);
      return members.map((_, i) => ({
        lastPing: Number(pings[i]),
        active: Number(scores[i]) > now - windowMs,
      }));
    },
    async active(roomId, now, windowMs) {
      const range = [keys.active(roomId), `(${now - windowMs}`, "+inf", "WITHSCORES"];
      const [pings, names, sessions] = await Promise.all([
        client.send<string[]>("zrangebyscore", ...range),
        client.send<Record<string, string>>("hgetall", keys.activeNames(roomId)),
        client.send<Record<string, string>>("hgetall", keys.activeSessions(roomId)),
      ]);
      return pairs(pings).map(([member, lastPing]) => {
        const name = names[member] ?? "";
        const own = sessionsIn(sessions[member] ?? "").filter((one) => one.lastPing > now - windowMs);
        const guest = actorOf(member, name).kind === "guest";
        return { member, name, lastPing: Number(lastPing), guest, sessions: own };
      });
    },
    async sweep(now) {
      const gone: FormerParticipant[] = [];
      await deadlines.sweep(now, async (id) => {
        const args = [now - ACTIVE_MS, MAX_SWEPT_MEMBERS];
        const swept = await client.background.run<[string, string[]]>("presence-sweep", roomKeys(id), args);
        const [oldest, flat] = swept;
        for (const [member = "", name = "", lastPing] of chunksOf(flat, 3))
          gone.push({ roomId: id, member, name, lastPing: Number(lastPing) });
        return oldest === "" ? null : Number(oldest) + ACTIVE_MS;
      });
      return gone;
    },
  };
}

/** Parses "session@ping session@ping …". */
function sessionsIn(text: string): ActiveSession[] {
  return text.split(" ").flatMap((one) => {
    const at = one.lastIndexOf("@");
    return at < 0 ? [] : [{ session: one.slice(0, at), lastPing: Number(one.slice(at + 1)) }];
  });
}
