/**
 * A user whose rooms the feed follows, for readers that are no sessions. It is a subscriber of its rooms, as a session is
 * (delivery/catch-up-subscription.ts), and passes everything on to its readers.
 */
import type { User } from "../../domain/model.ts";
import type { UserReader } from "../../domain/ports/feed.ts";
import type { FollowedRoom, Subscriber } from "../delivery/followed-room.ts";
import { addReader } from "../delivery/room-readers.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";

/** Readers are called at once, so nothing ever waits for them. */
const NOTHING_WAITS = Promise.resolve();

export interface FollowedUserEvents {
  /** Its rooms have to be compared with the store. */
  outdated(user: FollowedUser): void;
  /** What it missed can't be read. */
  failed(user: FollowedUser): void;
}

export class FollowedUser implements Subscriber {
  readonly userId: number;
  /** Differs when a restored database gave the id to another user. */
  readonly uuid: string;
  readonly readers = new Set<UserReader>();
  readonly rooms = new Map<FollowedRoom, number>();
  readonly isFull = false;
  isReady = false;
  isGone = false;
  /** See `UserStore.changed`. */
  version = 0;
  /** Resolves when the user's rooms are followed. */
  begun: Promise<void> = NOTHING_WAITS;
  readonly #events: FollowedUserEvents;
  /** How to stop reading each room. */
  readonly #stops = new Map<FollowedRoom, () => void>();

  constructor({ id, uuid }: Pick<User, "id" | "uuid">, events: FollowedUserEvents) {
    this.userId = id;
    this.uuid = uuid;
    this.#events = events;
  }

  /** Tells every reader. A reader may stop, or be followed by another, while it is told. */
  tell(tell: (reader: UserReader) => void): void {
    for (const reader of [...this.readers]) tell(reader);
  }

  drained(): Promise<void> {
    return NOTHING_WAITS;
  }
  batch(work: () => void): void {
    work();
  }

  /** Readers hear typing, calls and presence from here on, unless a lobby pauses the user, and events while it is live. */
  enter(room: FollowedRoom, joinedSeq: number): void {
    const unlessPaused = (tell: (reader: UserReader) => void) => {
      if (!room.paused?.has(this)) this.tell(tell);
    };
    this.rooms.set(room, joinedSeq);
    const stop = addReader(room, {
      event: (event) => {
        if (room.isLive(this)) this.tell((reader) => reader.event(event));
      },
      typing: (typing) => unlessPaused((reader) => reader.typing?.(typing)),
      call: (call) => unlessPaused((reader) => reader.call?.(call)),
      presence: (presence) => unlessPaused((reader) => reader.presence?.(presence)),
    });
    this.#stops.set(room, stop);
  }

  deliver(room: FollowedRoom, event: EncodedEvent): void {
    const logged = event.logged(room.id);
    this.tell((reader) => reader.event(logged));
  }

  goLive(): void {
    // The room's reader tells events while the subscription is live.
  }
  pause(): void {
    // As above.
  }

  end(room: FollowedRoom): void {
    if (!this.rooms.delete(room)) return;
    this.#stops.get(room)?.();
    this.#stops.delete(room);
    room.pending(this)?.cancel();
  }
  refresh(): void {
    this.#events.outdated(this);
  }
  fail(): void {
    this.#events.failed(this);
  }

  /** Nobody follows the user any more. */
  close(): void {
    this.isGone = true;
    for (const room of [...this.rooms.keys()]) this.end(room);
  }
}
