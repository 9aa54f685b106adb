/** All subscribers of this gateway, kept by those who know them: sessions by their users, and the users of the feed. */
import type { Subscriber } from "./followed-room.ts";

/** Keeps subscribers by their users. */
export interface SubscriberKeeper {
  subscribersOf(userId: number): Iterable<Subscriber>;
  subscribers(): Iterable<Subscriber>;
}

export class Subscribers implements SubscriberKeeper {
  readonly #keepers: readonly SubscriberKeeper[];

  constructor(keepers: readonly SubscriberKeeper[]) {
    this.#keepers = keepers;
  }

  *subscribersOf(userId: number): Generator<Subscriber> {
    for (const keeper of this.#keepers) yield* keeper.subscribersOf(userId);
  }
  *subscribers(): Generator<Subscriber> {
    for (const keeper of this.#keepers) yield* keeper.subscribers();
  }
}
