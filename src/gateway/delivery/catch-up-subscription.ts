/**
 * A subscription: one subscriber (a session, or a user of the feed) in one room. It gets every event of the user's stay,
 * once, in the order of `seq`.
 *
 *                subscribe()
 *                     │
 *        ┌────────────┴─────────────┐
 *        │ events are missing,      │ nothing is missing
 *        ▼ or it is ahead           ▼
 *   catching-up ─────────────────► live
 *     ▲  │  │    setCaughtUp()      │ │
 *     │  │  │                       │ │
 *     │  │  └─► paused ◄── pause() ─┘ │
 *     │  │       │  │                 │
 *     └──┼───────┘  │                 │
 *        │ resume() │                 │
 *        ▼          ▼                 ▼
 *      ended      ended             ended
 *
 * - `catching-up`: the subscriber has every event up to `position`. Events up to `catchUpTo` are read from the log
 *   (catch-up.ts). Events that the room delivers at that time wait in `backlog`, so none is lost between reading and
 *   listening. A subscriber that resumed from another gateway may be ahead of what was delivered here: then nothing is
 *   read, and it waits until the room delivers the event at `position`.
 * - `live`: the subscriber has every event up to the room's `delivered`, and hears the next ones as they are delivered:
 *   a session by the topics of the socket layer, the feed as a reader of the room. Going live takes place in the turn of
 *   the event loop in which both stand at the same seq, so no event comes twice. Most subscriptions are live, and a live
 *   one has no object of this class: it is live because the subscriber is in the room and nothing is pending.
 * - `paused`: an event at `position` may have shut the lobby, and the domain is asked whether the user waits (lobby.ts).
 *   Nothing is sent and nothing is kept: `resume` goes on from `position`, with what the log has.
 * - `ended`: the stay ended (`member.left`, `room.deleted`), or the subscriber left. Who catches up is sent everything up
 *   to the event that ends the stay; who is paused is sent that event at once [GW-12.4].
 */
import { AFFECTS_ACCESS, type EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom, PausedSubscription, Subscriber } from "./followed-room.ts";
import { mayShutOut } from "./lobby-events.ts";
import { recentAfter } from "./recent-events.ts";

export type SubscriptionState = "catching-up" | "live" | "paused" | "ended";

/** Does for subscriptions what takes time; see lobby.ts. */
export interface SubscriptionHost {
  /** Asks the domain whether the user may read, and resumes the user's paused subscriptions if so. */
  ask(room: FollowedRoom, userId: number): void;
  /** Reads what is missing from the log. Never rejects. */
  read(subscription: CatchUpSubscription): Promise<void>;
}

/** A longer backlog is dropped: the log has its events, too. */
const MAX_BACKLOG = 256;

/**
 * Subscribes to a room that the subscriber has entered. That the user may read there is known up to the seq `checkedUpTo`.
 * @param position the seq of the last event that the subscriber has
 * @returns null when the subscription is live at once; what is returned may have to be read (`isReading`)
 */
export function subscribe(
  subscriber: Subscriber,
  room: FollowedRoom,
  position: number,
  checkedUpTo: number,
  host: SubscriptionHost,
): CatchUpSubscription | null {
  if (goLiveAtOnce(subscriber, room, position, checkedUpTo)) return null;
  const subscription = new CatchUpSubscription(subscriber, room, position, host);
  subscription.catchUp(checkedUpTo);
  return subscription;
}

/** Sends recent events where they are all that is missing. */
function goLiveAtOnce(
  subscriber: Subscriber,
  room: FollowedRoom,
  position: number,
  checkedUpTo: number,
): boolean {
  if (position !== room.delivered) {
    const isReader = position < room.delivered && !subscriber.isFull;
    const missed = isReader ? recentAfter(room, position, checkedUpTo) : null;
    if (missed === null) return false;
    for (const event of missed) subscriber.deliver(room, event);
  }
  subscriber.goLive(room);
  return true;
}

export class CatchUpSubscription implements PausedSubscription {
  readonly subscriber: Subscriber;
  readonly room: FollowedRoom;
  /** The seq of the last event that the subscriber has. */
  position: number;
  /** The log has to be read up to here. */
  catchUpTo: number;
  waits = false;
  readonly #host: SubscriptionHost;
  #state: SubscriptionState = "live";
  /** Up to this seq no event shuts the user out: the domain was asked later. */
  #checkedUpTo = 0;
  /** The seq of the event that ends the stay. */
  #lastSeq = Number.POSITIVE_INFINITY;
  #backlog: EncodedEvent[] = [];
  #beforeResume: (() => void) | null = null;

  /** It has the state `live` until one of `catchUp`, `pause` and `wait` is called. */
  constructor(subscriber: Subscriber, room: FollowedRoom, position: number, host: SubscriptionHost) {
    this.subscriber = subscriber;
    this.room = room;
    this.position = position;
    this.catchUpTo = position;
    this.#host = host;
  }

  get state(): SubscriptionState {
    return this.#state;
  }
  /** Whether there is something to be read from the log. */
  get isReading(): boolean {
    return this.#state === "catching-up" && this.position < this.catchUpTo;
  }

  // ── catching-up ────────────────────────────────────────────────────────────────────────────────────

  catchUp(checkedUpTo: number): void {
    this.#checkedUpTo = checkedUpTo;
    this.catchUpTo = this.room.delivered;
    this.#state = "catching-up";
    this.room.addCatchingUp(this);
  }

  take(event: EncodedEvent): void {
    if (event.seq > this.position) {
      this.#backlog.push(event);
      if (this.#backlog.length <= MAX_BACKLOG) return;
      this.#backlog = [];
      this.catchUpTo = event.seq;
    } else if (event.seq === this.position) this.setCaughtUp();
  }

  /** Sends the next event. */
  send(event: EncodedEvent): void {
    if (event.seq <= this.#lastSeq) this.subscriber.deliver(this.room, event);
    this.position = event.seq;
    if (this.#state !== "catching-up") return; // The subscriber left while it was told.
    if (event.seq <= this.#checkedUpTo || !AFFECTS_ACCESS.has(event.type)) return;
    if (!mayShutOut(this.room, event.parsed(), this.subscriber.userId)) return;
    if (this.#lastSeq === Number.POSITIVE_INFINITY) this.pause();
    // The stay ends later on: its end is all that the user still hears.
    else this.position = Math.max(this.position, this.#lastSeq - 1);
  }

  /** Everything up to `catchUpTo` was sent: the backlog follows, and then live events. */
  setCaughtUp(): void {
    const { subscriber, room } = this;
    for (const event of this.#backlog) {
      if (event.seq > this.position && this.#state === "catching-up") this.send(event);
    }
    this.#backlog = [];
    if (this.#state !== "catching-up") return;
    room.removeCatchingUp(this);
    if (this.#lastSeq === Number.POSITIVE_INFINITY) {
      this.#state = "live";
      subscriber.goLive(room);
    } else {
      this.#state = "ended";
      subscriber.end(room);
      subscriber.refresh();
    }
  }

  // ── paused ─────────────────────────────────────────────────────────────────────────────────────────

  /** Stops at `position`, and asks whether the user may read on. */
  pause(): void {
    this.#stop();
    this.subscriber.pause(this.room);
    this.#host.ask(this.room, this.subscriber.userId);
  }

  /** Begins for a user who is known to wait. Nothing was heard of the room yet. */
  wait(beforeResume: () => void): void {
    this.waits = true;
    this.#beforeResume = beforeResume;
    this.#stop();
  }

  #stop(): void {
    if (this.#state === "catching-up") this.room.removeCatchingUp(this);
    this.#state = "paused";
    this.room.addPaused(this);
  }

  shutOut(): void {
    if (this.waits) return;
    this.waits = true;
    this.subscriber.shutOut?.(this.room);
  }

  async resume(checkedUpTo: number): Promise<void> {
    const { subscriber, room, position } = this;
    room.removePaused(this);
    this.waits = false;
    this.#beforeResume?.();
    this.#beforeResume = null;
    if (goLiveAtOnce(subscriber, room, position, checkedUpTo)) this.#state = "live";
    else {
      this.catchUp(checkedUpTo);
      await this.#host.read(this);
    }
    if (subscriber.rooms.has(room)) subscriber.resumed?.(room);
  }

  // ── ended ──────────────────────────────────────────────────────────────────────────────────────────

  endWith(event: EncodedEvent): void {
    const { subscriber, room } = this;
    if (this.#state === "paused") {
      this.cancel();
      subscriber.deliver(room, event);
      subscriber.end(room);
    } else this.endAt(event.seq);
  }

  /** The event at this seq ends the stay; it is read from the log, or is in the backlog. */
  endAt(seq: number): void {
    if (this.#state !== "catching-up") return;
    this.#lastSeq = seq;
    this.catchUpTo = Math.min(this.catchUpTo, seq);
    if (!this.isReading) this.setCaughtUp();
  }

  cancel(): void {
    if (this.#state === "catching-up") this.room.removeCatchingUp(this);
    else if (this.#state === "paused") this.room.removePaused(this);
    this.#state = "ended";
  }
}
