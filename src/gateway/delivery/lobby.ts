/**
 * [GW-12] The lobby pauses and resumes subscriptions. A user who waits in a room's lobby hears nothing of the room. A
 * paused subscription stands at a seq of the log and goes on from it, so the user misses nothing. After an event that may
 * shut the lobby every subscription is paused until the domain has said who waits: no event slips through, and nobody's
 * role has to be known here. A room whose lobby is open pauses nobody.
 */
import { setTimeout as delay } from "node:timers/promises";
import { refusal } from "../../domain/context/access.ts";
import { isUnavailable } from "../../domain/errors.ts";
import type { Lobby } from "../../domain/use-cases/live.ts";
import type { Logger } from "../../logger.ts";
import type { CatchUp } from "./catch-up.ts";
import { CatchUpSubscription, type SubscriptionHost } from "./catch-up-subscription.ts";
import type { FollowedRoom, Subscriber } from "./followed-room.ts";
import type { Hub } from "./hub.ts";
import { leaveRooms } from "./leave-rooms.ts";

export interface LobbyOptions {
  lobby: Lobby;
  hub: Pick<Hub, "fillToNow">;
  catchUp: CatchUp;
  logger: Pick<Logger, "warn">;
}

const RETRY_MS = 500;

/** About whom the domain is to be asked. */
interface Question {
  everybody: boolean;
  userIds: Set<number>;
}

export class Lobbies implements SubscriptionHost {
  readonly #options: LobbyOptions;
  /** The next question of each room about which the domain is being asked: the answer under way may be too old. */
  readonly #next = new Map<FollowedRoom, Question>();

  constructor(options: LobbyOptions) {
    this.#options = options;
  }

  /** Pauses a live subscription after the event at `position`, until the domain has said that the user may read on. */
  pause(subscriber: Subscriber, room: FollowedRoom, position: number): void {
    new CatchUpSubscription(subscriber, room, position, this).pause();
  }

  /**
   * Subscribes a user who waits, as of the seq `head`.
   * @param beforeResume called when the user is let in, before they hear the first event
   */
  pauseWaiting(
    subscriber: Subscriber,
    room: FollowedRoom,
    { position, head }: { position: number; head: number },
    beforeResume: () => void,
  ): void {
    new CatchUpSubscription(subscriber, room, position, this).wait(beforeResume);
    if (room.delivered > head) this.ask(room, subscriber.userId);
  }

  /** Asks whether this user may read, or everybody who is paused: something changed that may let them in. */
  ask(room: FollowedRoom, userId?: number): void {
    const next = this.#next.get(room) ?? noQuestion();
    if (userId === undefined) next.everybody = true;
    else next.userIds.add(userId);
    if (!room.paused || this.#next.has(room)) return;
    this.#next.set(room, next);
    void this.#askOn(room, next);
  }

  read(subscription: CatchUpSubscription): Promise<void> {
    return this.#options.catchUp.read(subscription.subscriber, [subscription]);
  }

  /** Asks until nothing is left to be asked about the room. */
  async #askOn(room: FollowedRoom, next: Question): Promise<void> {
    while (room.paused && (next.everybody || next.userIds.size > 0)) {
      // Users who are paused in this turn of the event loop are asked about together.
      await Promise.resolve();
      const { everybody, userIds } = next;
      Object.assign(next, noQuestion());
      if (await this.#askOnce(room, everybody ? null : userIds, next)) continue;
      next.everybody = true;
      await delay(RETRY_MS, undefined, { ref: false });
    }
    this.#next.delete(room);
  }

  /** @param of null: everybody. @returns false when there was no answer */
  async #askOnce(room: FollowedRoom, of: ReadonlySet<number> | null, next: Question): Promise<boolean> {
    const asked = [...(room.paused?.values() ?? [])].filter(
      ({ subscriber }) => of === null || of.has(subscriber.userId),
    );
    // The answer is at least as new as the last event that was delivered here.
    const checkedUpTo = room.delivered;
    try {
      const userIds = [...new Set(asked.map(({ subscriber }) => subscriber.userId))];
      const { isShut, reading, waiting } = await this.#options.lobby.access(room.id, userIds);
      if (!next.everybody) room.lobbyMayBeShut = isShut;
      for (const subscription of asked) {
        const { subscriber } = subscription;
        if (room.paused?.get(subscriber) !== subscription) continue;
        if (waiting.has(subscriber.userId)) subscription.shutOut();
        else if (reading.has(subscriber.userId)) void subscription.resume(checkedUpTo);
        // The user is not in the room; the log may be late with saying so.
        else void leaveRooms(this.#options.hub, subscriber, [room]);
      }
      return true;
    } catch (error) {
      if (!isUnavailable(error)) {
        const fields = { event: "lobby.read_failed", room: room.id, retry_ms: RETRY_MS, err: error };
        this.#options.logger.warn(
          fields,
          "could not read who waits in a lobby; its users stay paused; retrying",
        );
      }
      return false;
    }
  }
}

function noQuestion(): Question {
  return { everybody: false, userIds: new Set() };
}

/** [GW-12.2] @throws DomainError `lobby` for a subscriber that waits in the room */
export function requireNotWaiting(subscriber: Subscriber, room: FollowedRoom | undefined): void {
  if (room?.paused?.get(subscriber)?.waits) throw refusal("lobby", "read");
}
