/** Tells a room who looks at it, without the time for those who do not tell everybody when they were last seen [GW-17.3]. */
import { LRUCache } from "lru-cache";
import type { Actor } from "../model.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { Context } from "./context.ts";

export type TellPresence = (room: NamedRoom, actor: Actor, lastPing: number, gone?: true) => void;

/** How long a change of the setting may take to show. */
const REMEMBER_MS = 10_000;
const REMEMBERED = 10_000;

/**
 * Whether somebody tells everybody is asked for once in a while, and for many at a time: a room that thousands open, or a
 * member who comes and goes, adds no query each. Nothing waits for what it makes, and nothing is thrown.
 */
export function createTellPresence({
  store,
  broadcasts,
}: Pick<Context, "store" | "broadcasts">): TellPresence {
  const known = new LRUCache<number, Promise<boolean>>({ max: REMEMBERED, ttl: REMEMBER_MS });

  function isTold(userId: number): Promise<boolean> {
    const asked = known.get(userId);
    if (asked) return asked;
    const asking = store.people.lastSeenFor(userId).then((audience) => audience === "everybody", no);
    known.set(userId, asking);
    return asking;
  }

  return (room, actor, lastPing, gone) => {
    if (actor.kind !== "user") return broadcasts.presence(room, actor, lastPing, gone);
    void isTold(Number(actor.id)).then((told) => broadcasts.presence(room, actor, told ? lastPing : 0, gone));
  };
}

/** While the store is away no time is told. */
const no = () => false;
