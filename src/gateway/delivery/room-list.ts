/**
 * The list of a user's rooms, as the store has it: a subscriber enters the rooms that it is not in yet, and leaves those
 * that are not listed. It stands in for membership events that did not reach this gateway.
 */
import type { SessionRoom } from "../../domain/ports/store/room-lists.ts";
import { type CatchUpSubscription, subscribe } from "./catch-up-subscription.ts";
import type { FollowedRoom, Subscriber } from "./followed-room.ts";
import type { Hub } from "./hub.ts";
import type { Lobbies } from "./lobby.ts";

/**
 * Enters the listed rooms that the subscriber is not in.
 * @param from where it begins: with the user's own `member.joined`, or after the head of the log
 * @returns what has to be read from the log
 */
export function enterListed(
  { hub, lobbies }: { hub: Hub; lobbies: Lobbies },
  subscriber: Subscriber,
  listed: readonly SessionRoom[],
  from: "joining" | "head",
): CatchUpSubscription[] {
  const subscriptions: CatchUpSubscription[] = [];
  for (const { id, token, joinedSeq, head, at, lobby, history } of listed) {
    const room = hub.follow(id, token, { head: { seq: head, at }, lobbyMayBeShut: lobby, history });
    hub.noteHead(room, head);
    if (subscriber.rooms.has(room)) continue;
    const position = from === "head" ? head : Math.max(0, joinedSeq - 1);
    subscriber.enter(room, joinedSeq);
    if (from === "head" && lobby) lobbies.pause(subscriber, room, position);
    else {
      const subscription = subscribe(subscriber, room, position, lobby ? position : head, lobbies);
      if (subscription) subscriptions.push(subscription);
    }
  }
  return subscriptions;
}

/** The rooms of the subscriber that are not listed. */
export function unlisted({ rooms }: Subscriber, listed: readonly SessionRoom[]): FollowedRoom[] {
  const ids = new Set(listed.map(({ id }) => id));
  return [...rooms.keys()].filter(({ id }) => !ids.has(id));
}
