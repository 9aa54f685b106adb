/** Hides from a viewer when those were last seen in a room who do not tell them. */

import { type Actor, isUser, type User } from "../model.ts";
import type { Context } from "./context.ts";

interface Seen {
  user: User | null;
  lastPing: number;
}

/** @returns the people, with a `lastPing` of 0 for those who do not tell `viewer`. Most tell everybody: then nothing is asked */
export async function hideLastPings<T extends Seen>(
  { store }: Pick<Context, "store">,
  viewer: Actor,
  people: readonly T[],
): Promise<T[]> {
  const asked = people.flatMap(({ user }) => (user?.lastSeenFor === "contacts" ? [user.id] : []));
  const telling = new Set(
    asked.length === 0 || viewer.kind !== "user"
      ? []
      : await store.people.telling("lastSeen", Number(viewer.id), asked),
  );
  const isTold = ({ user }: Seen) =>
    user === null || user.lastSeenFor === "everybody" || isUser(viewer, user.id) || telling.has(user.id);
  return people.map((one) => (isTold(one) ? one : { ...one, lastPing: 0 }));
}
