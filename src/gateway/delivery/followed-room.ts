/** A room as this gateway follows it: how far its log was delivered here, and to how many sessions. */
import type { Actor, HistoryVisibility } from "../../domain/model.ts";
import type { RoomReader } from "../../domain/ports/feed.ts";
import type { LogPlace } from "../../domain/ports/store/log.ts";
import type { CodecName } from "../../protocol/subprotocols.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";

/** What delivery knows of a session: somebody to whom the events of rooms go. */
export interface Subscriber {
  readonly isGone: boolean;
  /** More waits for the client than should: what can wait has to. */
  readonly isFull: boolean;
  /** Null before `ready`. */
  readonly identity: { readonly user: { readonly id: number }; readonly actor: Actor } | null;
  /** Rooms with the seq of the member's own `member.joined`. */
  readonly rooms: ReadonlyMap<FollowedRoom, number>;
  readonly connection: { together(work: () => void): void };
  /** Sends an event of the room to this subscriber alone, as its user may see it. */
  deliver(room: FollowedRoom, event: EncodedEvent): void;
  /** Whether it hears the room's events as they are delivered. */
  isLive(room: FollowedRoom): boolean;
  goLive(room: FollowedRoom): void;
  /** Tells an event that the others are told in another form, and stops what is published until `goLive`. */
  apart(room: FollowedRoom, event: EncodedEvent): void;
  /** Stops what it hears of the room after `at`, until the lobby lets it in. */
  hold(room: FollowedRoom, at: number): void;
  leave(room: FollowedRoom): void;
  /** Leaves a room in which it was not live yet. */
  depart(room: FollowedRoom): void;
  /** Resolves when little waits for the client to read, or when the connection is gone. */
  drained(): Promise<void>;
  end(reason: "unavailable"): void;
}

/** A subscriber on its way into the room. */
export interface PendingEntry {
  readonly session: Subscriber;
  /** The room delivered an event. */
  take(event: EncodedEvent): void;
  /** Nothing after this seq is for the subscriber. */
  endWith(seq: number): void;
}

/** Somebody who hears nothing of a room for now. */
export interface Held {
  readonly userId: number;
  /** The domain has said that they wait; before that they are only held until it answers. */
  waits: boolean;
  /** They wait from now on. */
  shutOut?(): void;
  /** They are held no more and may read on. What shut the lobby up to the seq `judged` concerns them no more. */
  letIn(judged: number): void;
  /** This event ends a stay of theirs. If it is the present one, they are held no more, and hear it at once. */
  end(event: EncodedEvent): void;
  /** They are not in the room; the log may be late with saying so. */
  missing(): void;
}

/** A room as it is when it begins to be followed. */
export interface RoomState {
  /** What counts as delivered; its time 0: not known. */
  head: { seq: number; at: number };
  /** Where its lobby was shut, or that is not known. */
  mayShutOut: boolean;
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
  /** Since when nobody is in the room, ms; 0: somebody is, or nobody looked. */
  desertedAt = 0;
  /** The log is being read for this room, until this resolves. */
  filling: Promise<void> | null = null;
  /** Sessions in the room, those on their way into it included. */
  readonly sessions: Record<CodecName, number> = { json: 0, msgpack: 0 };
  /** Sessions that are not subscribed yet. */
  entries: readonly PendingEntry[] = [];
  /** Readers that are no sessions; null while there are none. */
  readers: Set<RoomReader> | null = null;
  /** Who hears nothing of the room for now, by what they are known as; null while there is nobody. See lobby.ts. */
  held: Map<object, Held> | null = null;
  /** What those see who join; null: not known yet, because nobody here is in the room. */
  history: HistoryVisibility | null;
  /** The highest seq at which the user of a session here joined. */
  latestJoin = 0;
  /** The sessions in the room, once they were asked for; kept up by the sessions. */
  roster: Set<Subscriber> | null = null;
  /** The lobby is shut, as far as its log was delivered here, or that is not known. */
  mayShutOut: boolean;
  /** The topics of the socket layer: of all sessions, and of those that have the room open. */
  readonly topics: Readonly<Record<CodecName, string>>;
  readonly openTopics: Readonly<Record<CodecName, string>>;

  constructor(id: number, token: string, { head, mayShutOut, history }: RoomState) {
    const { seq: delivered } = head;
    this.id = id;
    this.token = token;
    this.delivered = delivered;
    this.#noted = head;
    this.known = delivered;
    this.mayShutOut = mayShutOut;
    this.history = history;
    this.topics = { json: `${id}j`, msgpack: `${id}m` };
    this.openTopics = { json: `${id}oj`, msgpack: `${id}om` };
  }

  /** The last event that was delivered here, with its time: a log that has another one there is another log. */
  get place(): LogPlace {
    const { id: conversationId, last, delivered: seq } = this;
    const at = last?.at ?? (this.#noted.seq === seq ? this.#noted.at : 0);
    return { conversationId, seq, at };
  }
  get noted(): LogPlace {
    return { conversationId: this.id, ...this.#noted };
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

  /** The session is no longer on its way into the room. */
  dropEntry(session: Subscriber): void {
    if (this.entries.length > 0) this.entries = this.entries.filter((entry) => entry.session !== session);
  }

  /** Holds somebody no more. */
  release(key: object): void {
    if (this.held?.delete(key) && this.held.size === 0) this.held = null;
  }

  get isDeserted(): boolean {
    const { sessions, readers, held, filling } = this;
    return sessions.json === 0 && sessions.msgpack === 0 && readers === null && held === null && !filling;
  }
}
