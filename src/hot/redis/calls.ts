/** Calls. Every change is one run of call.lua, which decides atomically who is new and who is last. */
import type { CallParticipant, CallState, Calls } from "../../domain/ports/hot.ts";
import { callState } from "../call-state.ts";
import { groupedBy, pairs } from "../lists.ts";
import type { Argument, Commands, RedisClient } from "./connection/client.ts";
import { createDeadlines, GRACE_MS } from "./deadlines.ts";

/** The answer of call.lua. */
type Answer = [decayed: number, next: string, absent: string[], participants: string[]];

export function createRedisCalls(client: RedisClient): Calls {
  const { keys } = client;
  const deadlines = createDeadlines(client, "calls");

  function change(commands: Commands, id: number, args: Argument[]): Promise<Answer> {
    return commands.run("call", [keys.call(id), keys.callDeadlines(id), keys.callFlags(id)], args);
  }

  return {
    async put(roomId, { session, actor, flags }, now, ttlMs) {
      const until = now + ttlMs;
      const args = [now, "put", until, ttlMs + GRACE_MS, session, flags + JSON.stringify(actor)];
      const [[, , absent, all]] = await Promise.all([
        change(client, roomId, args),
        deadlines.note([roomId], until),
      ]);
      return { added: absent.length > 0, call: stateOf(all) };
    },
    async remove(roomId, session) {
      const args = [client.now(), "remove", "", "", session];
      const [, , absent, all] = await change(client, roomId, args);
      const removed = absent.length === 0;
      return { removed, last: removed && all.length === 0, call: stateOf(all) };
    },
    async get(roomId) {
      const [all, until] = await Promise.all([
        client.send<Record<string, string>>("hgetall", keys.call(roomId)),
        client.send<string[]>("zrangebyscore", keys.callDeadlines(roomId), `(${client.now()}`, "+inf"),
      ]);
      return stateOf(until.flatMap((session) => [session, all[session] ?? ""]));
    },
    async flags(roomIds) {
      const together = client.together(roomIds.map(keys.callFlags));
      const summaries = await Promise.all(
        together.map((names) => client.send<(string | null)[]>("mget", ...names)),
      );
      const at = client.now();
      return summaries.flat().map((summary) => (summary === null ? 0 : flagsAt(summary, at)));
    },
    async refresh(entries, now, ttlMs) {
      const until = now + ttlMs;
      const rooms = groupedBy(entries, ({ roomId }) => roomId);
      const [answers] = await Promise.all([
        Promise.all(
          [...rooms].map(([id, own]) => {
            const sessions = own.map(({ session }) => session);
            return change(client, id, [now, "refresh", until, ttlMs + GRACE_MS, ...sessions]);
          }),
        ),
        deadlines.note([...rooms.keys()], until),
      ]);
      return [...rooms.keys()].flatMap((roomId, i) => {
        const absent = answers[i]?.[2] ?? [];
        return absent.map((session) => ({ roomId, session }));
      });
    },
    async sweep(now) {
      const changed: number[] = [];
      await deadlines.sweep(now, async (id) => {
        const [decayed, next] = await change(client.background, id, [now, "sweep", "", ""]);
        if (decayed > 0) changed.push(id);
        return next === "" ? null : Number(next);
      });
      return changed;
    },
  };
}

function stateOf(flat: string[]): CallState {
  const participants = pairs(flat).flatMap(([session, kept]): CallParticipant[] =>
    kept === "" ? [] : [{ session, actor: JSON.parse(kept.slice(1)), flags: Number(kept[0]) }],
  );
  return callState(participants);
}

/** Parses "flags@deadline flags@deadline …". @returns the flags that have not decayed */
function flagsAt(summary: string, now: number): number {
  return summary.split(" ").reduce((flags, kind) => {
    const [own = 0, until = 0] = kind.split("@").map(Number);
    return until > now ? flags | own : flags;
  }, 0);
}
