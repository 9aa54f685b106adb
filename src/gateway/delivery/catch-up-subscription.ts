/**
 * A session on its way into a room. It has events up to `at`; the gateway has delivered more, or fewer. What it misses
 * is read from the log, what comes meanwhile is held, and in the turn in which both stand at the same seq the session
 * is subscribed: no event is lost between reading and listening, and none comes twice.
 */
import { CHANGES_STANDING, type EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom, PendingEntry, Subscriber } from "./followed-room.ts";
import { mayShut } from "./lobby.ts";

/** Beyond this the held events are let go: the log has them too. */
const MAX_HELD = 256;

export class Entry implements PendingEntry {
  readonly session: Subscriber;
  readonly room: FollowedRoom;
  /** The last seq that the session was sent. */
  at: number;
  /** The log has to be read up to here. */
  target: number;
  /** What may shut the lobby up to this seq was judged already when the session was let in. */
  readonly #judged: number;
  /** The session's stay ends with this event (it left, or the room was deleted). */
  #last = Number.POSITIVE_INFINITY;
  #held: EncodedEvent[] = [];
  /** The session is held in front of the room; whatever lets it in makes another entry. */
  #isStopped = false;

  constructor(session: Subscriber, room: FollowedRoom, at: number, judged: number) {
    this.session = session;
    this.room = room;
    this.at = at;
    this.#judged = judged;
    this.target = room.delivered;
  }

  /** Whether the entry still stands: the session may have left meanwhile, or be held. */
  get isUnderWay(): boolean {
    return this.room.entries.includes(this);
  }
  get isReading(): boolean {
    return this.at < this.target;
  }

  /** The room delivered an event while this session was not subscribed yet. */
  take(event: EncodedEvent): void {
    if (event.seq > this.at) {
      this.#held.push(event);
      if (this.#held.length <= MAX_HELD) return;
      this.#held = [];
      this.target = event.seq;
    } else if (event.seq === this.at) {
      // The session was ahead of this gateway (it resumed from another one): now they stand together.
      this.finish();
    }
  }

  /** The next event, from the log. */
  send(event: EncodedEvent): void {
    if (event.seq <= this.#last) this.session.deliver(this.room, event);
    this.at = event.seq;
    const userId = this.session.identity?.user.id;
    if (event.seq <= this.#judged || userId === undefined || !CHANGES_STANDING.has(event.type)) return;
    if (mayShut(this.room, event.parsed(), userId)) this.#stop();
  }

  /** The session may have to wait. Where its stay ends later on, the end is all that it still hears. */
  #stop(): void {
    if (this.#last === Number.POSITIVE_INFINITY) {
      this.#isStopped = true;
      this.session.hold(this.room, this.at);
    } else this.at = Math.max(this.at, this.#last - 1);
  }

  /** Nothing after this seq is for the session. */
  endWith(seq: number): void {
    this.#last = seq;
    this.target = Math.min(this.target, seq);
    if (!this.isReading) this.finish();
  }

  /** Everything up to `target` was sent: what was held follows, and then the live events. */
  finish(): void {
    for (const event of this.#held) if (event.seq > this.at && !this.#isStopped) this.send(event);
    this.#held = [];
    if (this.#isStopped) return;
    this.room.dropEntry(this.session);
    if (this.#last === Number.POSITIVE_INFINITY) this.session.goLive(this.room);
    else this.session.depart(this.room);
  }
}
