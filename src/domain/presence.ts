/** Who is looking and who is typing: hot state only, gone when nobody refreshes it. */
import type { Context } from "./context.ts";
import { DomainError } from "./errors.ts";
import { memberKey } from "./model.ts";
import type { PresenceUseCases } from "./use-cases.ts";

/** How long somebody is shown as typing who says nothing further. */
export const TYPING_TTL_MS = 8_000;
/** Whoever was put out of a room stops being seen there within this time. */
const TYPING_ACCESS_MS = 5_000;

export function createPresence({ hot, accesses, now }: Context): PresenceUseCases {
  return {
    ping: (actor, ids) =>
      unlessAway([], () => hot.presence.ping(memberKey(actor), actor.name, [...ids], now())),
    close: (actor, ids) => unlessAway(undefined, () => hot.presence.leave(memberKey(actor), [...ids])),
    async typing(actor, room, on) {
      const { conversationId } = await accesses.require(actor, room, "type", TYPING_ACCESS_MS);
      const member = memberKey(actor);
      return await unlessAway(false, () => hot.typing.set(conversationId, member, on, now(), TYPING_TTL_MS));
    },
  };
}

export async function unlessAway<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError && error.code === "unavailable") return otherwise;
    throw error;
  }
}
