/**
 * Delivery: each room's events go to its sessions in the order of `seq`, with no gap. They come from this process's own
 * commits, over the bus, and, when one is missing, from the log. Whatever comes twice is dropped by its seq. An event
 * is encoded once per codec and room and handed to the socket layer's topics: per delivery nothing of ours runs.
 */
import { isUnavailable } from "../../domain/errors.ts";
import type { HistoryVisibility } from "../../domain/model.ts";
import { channels, type Subscriptions } from "../../domain/ports/bus.ts";
import type { RoomLog } from "../../domain/ports/store/log.ts";
import type { Logger } from "../../logger.ts";
import { encodeMsgpack } from "../../protocol/codec.ts";
import type { UserFrame } from "../../protocol/frames.ts";
import type { Commit } from "../frames/commit-publisher.ts";
import { AFFECTS_ACCESS, busLineSeq, busLines, EncodedEvent, readBusLine } from "../frames/encoded-event.ts";
import type { FileUrls } from "../frames/file-urls.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { Topics } from "../transport/topics.ts";
import { FollowedRoom, type RoomState, type TopicSubscriber } from "./followed-room.ts";
import { RecentEvents } from "./recent-events.ts";
import { readFrame, tellReaders, tellReadersOf, tellSome } from "./room-readers.ts";

/** How long a missing event may still be on its way before the log is asked. */
const PATIENCE_MS = 40;
/** Events of one room that may wait for one before them; what is beyond is read from the log. */
const MAX_AHEAD = 2_000;
const FILL_EVENTS = 100;
const FILL_ROOMS = 50;

export interface HubOptions {
  log: Pick<RoomLog, "rangeMany">;
  bus: Subscriptions;
  topics: Pick<Topics, "publish">;
  /** All sessions of this gateway. */
  sessions: Iterable<TopicSubscriber>;
  fileUrls: FileUrls;
  metrics: GatewayMetrics;
  logger: Pick<Logger, "warn">;
}

/** What others do when the hub delivers. */
export interface HubListeners {
  /** An event of AFFECTS_ACCESS was delivered in this turn. */
  accessEvent(room: FollowedRoom, event: EncodedEvent): void;
  /** A user was renamed. The frame goes to sessions after this call. */
  userFrame(frame: UserFrame): void;
  /** The bus carries the room from now on: what was committed before has to be looked up. */
  followed(room: FollowedRoom): void;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #rooms = new Map<number, FollowedRoom>();
  readonly #byToken = new Map<string, FollowedRoom>();
  readonly #listeners = new Map<FollowedRoom, (message: Uint8Array) => void>();
  readonly #late = new Set<FollowedRoom>();
  readonly #recent = new RecentEvents();
  #patience: NodeJS.Timeout | null = null;
  #on: HubListeners = { accessEvent() {}, userFrame() {}, followed() {} };

  constructor(options: HubOptions) {
    this.#options = options;
  }

  listen(listeners: Partial<HubListeners>): void {
    this.#on = { ...this.#on, ...listeners };
  }

  get size(): number {
    return this.#rooms.size;
  }
  get(id: number): FollowedRoom | undefined {
    return this.#rooms.get(id);
  }
  byToken(token: string): FollowedRoom | undefined {
    return this.#byToken.get(token);
  }
  rooms(): IterableIterator<FollowedRoom> {
    return this.#rooms.values();
  }

  /** The room, followed from now on. Without `lobbyMayBeShut` and `history` these are not known of a room that is new here. */
  follow(
    id: number,
    token: string,
    { head, lobbyMayBeShut = true, history = null }: Pick<RoomState, "head"> & Partial<RoomState>,
  ): FollowedRoom {
    const followed = this.#rooms.get(id);
    if (followed) {
      followed.history ??= history;
      // A room that was followed by a hint learns here that its lobby is open.
      if (!lobbyMayBeShut && head.seq >= followed.delivered) followed.lobbyMayBeShut = false;
      return followed;
    }
    const room = new FollowedRoom(id, token, { head, lobbyMayBeShut, history });
    const listener = (message: Uint8Array) => this.#heard(room, message);
    this.#rooms.set(id, room);
    this.#byToken.set(token, room);
    this.#listeners.set(room, listener);
    this.#options.bus.subscribe(channels.room(id), listener).then(
      () => this.#on.followed(room),
      () => this.#on.followed(room), // The bus is away; the head probe stands in until it is back.
    );
    return room;
  }

  /** The sessions in the room; they keep the set up from now on. */
  roster(room: FollowedRoom): ReadonlySet<TopicSubscriber> {
    room.roster ??= new Set([...this.#options.sessions].filter(({ rooms }) => rooms.has(room)));
    return room.roster;
  }

  /** Stops following a room that nobody here is in. */
  release(room: FollowedRoom): void {
    const listener = this.#listeners.get(room);
    if (!listener) return;
    this.#rooms.delete(room.id);
    this.#byToken.delete(room.token);
    this.#listeners.delete(room);
    this.#late.delete(room);
    this.#options.bus.unsubscribe(channels.room(room.id), listener).catch(() => {});
  }

  /** The log is another one than the one that was delivered: no room is followed any more, and readers have to begin anew. */
  reset(): void {
    for (const room of [...this.#rooms.values()]) {
      this.release(room);
      for (const reader of [...(room.readers ?? [])]) reader.lost?.();
    }
  }

  // ── Events ─────────────────────────────────────────────────────────────────────────────────────────

  /** What this process committed: no need to wait for the bus. */
  committed({ events, frames }: Commit): void {
    events.forEach((event, n) => {
      const room = this.#rooms.get(event.roomId);
      if (room && event.seq > room.delivered)
        this.#offer(room, EncodedEvent.of(event, this.#options.fileUrls, frames[n]));
    });
  }

  /** The log is known to reach to `head`: what is missing after a moment is read from it. */
  noteHead(room: FollowedRoom, head: number): void {
    if (head <= room.delivered) return;
    room.known = Math.max(room.known, head);
    this.#late.add(room);
    this.#patience ??= setTimeout(() => this.#fillLate(), PATIENCE_MS);
  }

  /**
   * Reads whatever the log has beyond what was delivered, and delivers it. Resolves when it has, and at once for rooms
   * that are being read; never rejects.
   */
  async fill(rooms: Iterable<FollowedRoom>): Promise<void> {
    const wanted = [...rooms].filter((room) => !room.filling && this.#rooms.get(room.id) === room);
    if (wanted.length === 0) return;
    const filling = this.#fill(wanted);
    for (const room of wanted) room.filling = filling;
    await filling;
  }

  /** As `fill`, up to everything that the log has now: what is being read already may be older than that. */
  async fillToNow(rooms: readonly FollowedRoom[]): Promise<void> {
    while (rooms.some(({ filling }) => filling)) await Promise.all(rooms.map(({ filling }) => filling));
    await this.fill(rooms);
  }

  async #fill(rooms: readonly FollowedRoom[]): Promise<void> {
    try {
      let wanted = rooms;
      while (wanted.length > 0) wanted = await this.#fillOnce(wanted);
    } catch (error) {
      if (isUnavailable(error)) return;
      this.#options.logger.warn(
        { event: "events.read_failed", err: error, rooms: rooms.length },
        "could not read events that were committed elsewhere; the head probe tries again",
      );
    } finally {
      for (const room of rooms) room.filling = null;
    }
  }

  /** @returns the rooms whose log may have more */
  async #fillOnce(rooms: readonly FollowedRoom[]): Promise<FollowedRoom[]> {
    const unfinished: FollowedRoom[] = [];
    for (let start = 0; start < rooms.length; start += FILL_ROOMS) {
      const some = rooms.slice(start, start + FILL_ROOMS);
      const wanted = some.map(({ id, delivered }) => ({
        roomId: id,
        after: delivered,
        upTo: Number.MAX_SAFE_INTEGER,
      }));
      const counts = new Map<number, number>();
      for (const event of await this.#options.log.rangeMany(wanted, FILL_EVENTS)) {
        const room = this.#rooms.get(event.roomId);
        counts.set(event.roomId, (counts.get(event.roomId) ?? 0) + 1);
        if (!room || event.seq <= room.delivered) continue;
        // It was released and is followed anew: what was asked for is another room's.
        if (!some.includes(room)) continue;
        this.#options.metrics.eventsFilled++;
        this.#offer(room, EncodedEvent.of(event, this.#options.fileUrls));
      }
      unfinished.push(
        ...some.filter(({ id, delivered, known }, n) => {
          // A room with no delivered event is not read again: it was released during the read, or its log has a hole.
          if (delivered === wanted[n]?.after) return false;
          const count = counts.get(id) ?? 0;
          return count >= FILL_EVENTS || (count > 0 && delivered < known);
        }),
      );
    }
    return unfinished;
  }

  #fillLate(): void {
    this.#patience = null;
    const rooms = [...this.#late].filter((room) => room.delivered < room.known);
    this.#late.clear();
    if (rooms.length > 0) void this.fill(rooms);
  }

  #heard(room: FollowedRoom, message: Uint8Array): void {
    for (const line of busLines(message)) {
      const seq = busLineSeq(line);
      if (seq > 0 && seq <= room.delivered) continue;
      const event = readBusLine(line, this.#options.fileUrls);
      if (event) this.#offer(room, event);
      else this.#pass(room, line);
    }
  }

  #offer(room: FollowedRoom, event: EncodedEvent): void {
    if (event.seq <= room.delivered) return;
    if (event.seq > room.delivered + 1) {
      if (room.ahead.size < MAX_AHEAD) room.ahead.set(event.seq, event);
      this.noteHead(room, event.seq);
      return;
    }
    this.#deliver(room, event);
    for (let next = room.ahead.get(room.delivered + 1); next; next = room.ahead.get(room.delivered + 1)) {
      this.#deliver(room, next);
    }
  }

  #deliver(room: FollowedRoom, event: EncodedEvent): void {
    const { sessions } = room;
    room.delivered = event.seq;
    room.last = event;
    this.#recent.add(room, event);
    if (room.ahead.size > 0) room.ahead.delete(event.seq);
    if (event.type !== "message" && room.hides(event, room.latestJoin)) this.#publishApart(room, event);
    else this.#publish(room, event);
    this.#options.metrics.deliveries += sessions.json + sessions.msgpack;
    if (room.history === null && event.type === "member.joined") room.history = historyOf(event);
    if (room.readers) tellReaders(room, event);
    for (const subscription of room.catchingUp) subscription.take(event);
    if (event.type !== "message" && AFFECTS_ACCESS.has(event.type)) this.#on.accessEvent(room, event);
  }

  #publish({ sessions, topics }: FollowedRoom, event: EncodedEvent): void {
    if (sessions.json > 0) this.#options.topics.publish(topics.json, event.json, false);
    if (sessions.msgpack > 0) this.#options.topics.publish(topics.msgpack, event.msgpack, true);
  }

  /** Some of those in the room may not see the message that the event tells of. */
  #publishApart(room: FollowedRoom, event: EncodedEvent): void {
    const hides = (session: TopicSubscriber) => room.hides(event, session.rooms.get(room) ?? 0);
    const apart = [...this.roster(room)].filter((session) => hides(session) && room.isLive(session));
    for (const session of apart) session.deliverApart(room, event);
    this.#publish(room, event);
    for (const session of apart) session.goLive(room);
  }

  // ── Frames that are in no log ──────────────────────────────────────────────────────────────────────

  #pass(room: FollowedRoom, line: Uint8Array): void {
    const frame = readFrame(line);
    if (!frame) return;
    const { topics, openTopics, sessions } = room;
    if (frame.op === "user") this.#on.userFrame(frame);
    if (room.readers) tellReadersOf(room, frame);
    if (frame.op === "receipt" && frame.to) {
      tellSome(room, this.roster(room), frame);
      return;
    }
    const to = frame.op === "call" || frame.op === "user" ? topics : openTopics;
    if (sessions.json > 0) this.#options.topics.publish(to.json, line, false);
    if (sessions.msgpack > 0) this.#options.topics.publish(to.msgpack, encodeMsgpack(frame), true);
  }

  stop(): void {
    if (this.#patience) clearTimeout(this.#patience);
  }
}

function historyOf(event: EncodedEvent): HistoryVisibility {
  return event.parsed().data.history === "shared" ? "shared" : "joined";
}
