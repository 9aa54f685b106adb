/** A room as this gateway follows it: how far its log was delivered here, and to whom. */
import type { HistoryVisibility } from "../../domain/model.ts";
import type { RoomReader } from "../../domain/ports/feed.ts";
import type { LogPlace } from "../../domain/ports/store/log.ts";
import type { ReceiptFrame } from "../../protocol/frames.ts";
import type { CodecName } from "../../protocol/subprotocols.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";

/**
 * The events of rooms go to subscribers: a WebSocket session, or a user whose rooms the feed follows. Delivery decides
 * which event is due; a subscriber sends it. Where a room is followed, its subscription is in one of the states of
 * catch-up-subscription.ts.
 */
export interface Subscriber {
  /** 0 before the user is known. */
  readonly userId: number;
  /** The rooms that it follows, with the seq of the user's own `member.joined`. */
  readonly rooms: ReadonlyMap<FollowedRoom, number>;
  /** It has the list of its rooms: it enters a room as soon as the user's own `member.joined` is delivered. */
  readonly isReady: boolean;
  readonly isGone: boolean;
  /** More waits for its client than should: reading from the log pauses. */
  readonly isFull: boolean;
  /** Resolves when little waits for its client, or when it is gone. */
  drained(): Promise<void>;
  /** Does `work`, which delivers many events, with as few calls of the system as possible. */
  batch(work: () => void): void;
  /** Follows the room from now on. It gets nothing before it goes live or a subscription sends it something. */
  enter(room: FollowedRoom, joinedSeq: number): void;
  /** Sends an event of the room to this subscriber alone, as its user may see it. */
  deliver(room: FollowedRoom, event: EncodedEvent): void;
  /** Hears the room's events as they are delivered, from now on. */
  goLive(room: FollowedRoom): void;
  /** Hears nothing of the room until `goLive`. */
  pause(room: FollowedRoom): void;
  /** The domain has said that the user waits in the lobby. */
  shutOut?(room: FollowedRoom): void;
  /** The user was let in, and has everything that was missed. */
  resumed?(room: FollowedRoom): void;
  /** Follows the room no more. */
  end(room: FollowedRoom): void;
  /** Compares its rooms with the store: a stay ended while the log was read, and another may have begun. */
  refresh(): void;
  /** What it missed can't be read: it has to begin anew. */
  fail(): void;
}

/** A session that hears live events by the topics of the socket layer. */
export interface TopicSubscriber extends Subscriber {
  /** Sends an event that the others get in another form, and hears no topic of the room until `goLive`. */
  deliverApart(room: FollowedRoom, event: EncodedEvent): void;
  /** Sends a frame to this session alone, where it has the room open and hears of it. */
  tellOpen(room: FollowedRoom, frame: ReceiptFrame): void;
}

/** A subscription that is not live: `catching-up` or `paused`. */
export interface PendingSubscription {
  readonly subscriber: Subscriber;
  /** The room delivered an event. */
  take(event: EncodedEvent): void;
  /** The user's stay ends with this event. */
  endWith(event: EncodedEvent): void;
  /** The subscriber left the room. */
  cancel(): void;
}

/** A subscription that the lobby pauses. */
export interface PausedSubscription extends PendingSubscription {
  /** The domain has said that the user waits. Before, it is being asked. */
  readonly waits: boolean;
  /** The domain says that the user waits. */
  shutOut(): void;
  /**
   * The user may read: what may shut them out up to the seq `checkedUpTo` does so no more. Resolves when everything that
   * was missed is sent; never rejects.
   */
  resume(checkedUpTo: number): Promise<void>;
}

/** A room as it is when it begins to be followed. */
export interface RoomState {
  /** What counts as delivered; its time 0: not known. */
  head: { seq: number; at: number };
  /** Its lobby was shut there, or that is not known. */
  lobbyMayBeShut: boolean;
  history: HistoryVisibility | null;
}

export class FollowedRoom {
  readonly id: number;
  readonly token: string;
  /** Everything up to this seq was handed to the room's sessions. */
  delivered: number;
  /** The event at `delivered`; null: it was not delivered here, or was noted. */
  last: EncodedEvent | null = null;
  /** A place that the log was seen to have, some seconds ago at most; see head-probe.ts. */
  #noted: { seq: number; at: number };
  /** The highest seq that is known to be in the log. */
  known: number;
  /** Events that came before their turn. */
  readonly ahead = new Map<number, EncodedEvent>();
  /** The last of what was delivered, without a gap; see recent-events.ts. */
  readonly recent: EncodedEvent[] = [];
  /** When the room was first seen to be deserted, ms; 0: it is not, or was not looked at. */
  desertedAt = 0;
  /** The log is being read for this room, until this resolves. */
  filling: Promise<void> | null = null;
  /** Sessions that follow the room, in whatever state. */
  readonly sessions: Record<CodecName, number> = { json: 0, msgpack: 0 };
  /** Subscriptions that read the log, or are ahead of what was delivered here. */
  catchingUp: readonly PendingSubscription[] = [];
  /** Subscriptions that the lobby pauses; null while there are none. See lobby.ts. */
  paused: Map<Subscriber, PausedSubscription> | null = null;
  /** Readers that are no sessions; null while there are none. */
  readers: Set<RoomReader> | null = null;
  /** Which history a new member sees; null: not known yet. */
  history: HistoryVisibility | null;
  /** The highest seq at which the user of a session here joined. */
  latestJoin = 0;
  /** The seq of the last `room.changed` that was delivered here. */
  changedSeq = 0;
  /** The sessions in the room, once they were asked for; kept up by the sessions. */
  roster: Set<TopicSubscriber> | null = null;
  /** The lobby is shut at the seq `delivered`, or that is not known. */
  lobbyMayBeShut: boolean;
  /** The topics of the socket layer: of all sessions, and of those that have the room open. */
  readonly topics: Readonly<Record<CodecName, string>>;
  readonly openTopics: Readonly<Record<CodecName, string>>;

  constructor(id: number, token: string, { head, lobbyMayBeShut, history }: RoomState) {
    const { seq: delivered } = head;
    this.id = id;
    this.token = token;
    this.delivered = delivered;
    this.#noted = head;
    this.known = delivered;
    this.lobbyMayBeShut = lobbyMayBeShut;
    this.history = history;
    this.topics = { json: `${id}j`, msgpack: `${id}m` };
    this.openTopics = { json: `${id}oj`, msgpack: `${id}om` };
  }

  /** The last event that was delivered here, with its time: a log that has another one there is another log. */
  get place(): LogPlace {
    const { id: roomId, last, delivered: seq } = this;
    const at = last?.at ?? (this.#noted.seq === seq ? this.#noted.at : 0);
    return { roomId, seq, at };
  }
  get noted(): LogPlace {
    return { roomId: this.id, ...this.#noted };
  }
  /** The log has the event of this place. */
  note({ seq, at }: { seq: number; at: number }): void {
    this.#noted = { seq, at };
    if (this.last?.seq === seq) this.last = null;
  }

  /** Whether the event tells of a message that a member who joined at this seq may not see. */
  hides(event: EncodedEvent, joinedSeq: number): boolean {
    return this.history !== "shared" && event.about !== null && event.about < joinedSeq;
  }

  /** The subscriber's subscription, if it is not live. */
  pending(subscriber: Subscriber): PendingSubscription | undefined {
    return this.paused?.get(subscriber) ?? this.catchingUp.find((each) => each.subscriber === subscriber);
  }

  /** Whether the subscriber hears the room's events as they are delivered. */
  isLive(subscriber: Subscriber): boolean {
    return subscriber.rooms.has(this) && this.pending(subscriber) === undefined;
  }

  addCatchingUp(subscription: PendingSubscription): void {
    this.catchingUp = [...this.catchingUp, subscription];
  }
  removeCatchingUp(subscription: PendingSubscription): void {
    this.catchingUp = this.catchingUp.filter((each) => each !== subscription);
  }

  addPaused(subscription: PausedSubscription): void {
    this.paused ??= new Map();
    this.paused.set(subscription.subscriber, subscription);
  }
  removePaused({ subscriber }: PausedSubscription): void {
    if (this.paused?.delete(subscriber) && this.paused.size === 0) this.paused = null;
  }

  get isDeserted(): boolean {
    const { sessions, readers, paused, filling } = this;
    return sessions.json === 0 && sessions.msgpack === 0 && readers === null && paused === null && !filling;
  }
}
