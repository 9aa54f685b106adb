/**
 * Hands each room's events to the app in `seq` order, each once, without a gap. It drops events that come twice, fetches
 * missing ones, and reports a reset where a room can't be continued. Its cursor is the base of resuming.
 */
import type { EventFrame, OkFields, Place, ReadyFrame, RoomEntry } from "../protocol/frames.ts";
import type { Cursor } from "./cursors.ts";
import { ConnectionLost } from "./failures.ts";

/**
 * The room's events can't be continued after `last`. Drop the room's events and load it again from `history` before
 * `head + 1`; events after `head` follow as usual.
 */
export interface Reset {
  room: string;
  last: number;
  head: number;
}

export interface RoomLogHandlers {
  onEvent(event: EventFrame): void;
  onReset(reset: Reset): void;
  /** The user left the room or was removed, or the room was deleted. */
  onLeft(room: string): void;
  /** A gap could not be filled in this session. A new session resumes and proves the place. */
  onStuck(error: unknown): void;
}
/** Fetches missing events: {@link OkFields.history} after a seq, ascending. */
export type FetchAfter = (room: string, after: number) => Promise<OkFields["history"]>;

interface RoomLog {
  /** The seq of the last event that the app got. */
  last: number;
  /** The time of the event at `last`, by which the server recognises its log; null where unknown. */
  at: number | null;
  /** The user was a member at this seq, so an earlier departure was followed by a new joining. */
  memberAt: number;
  /** The highest event beyond the gap that is being filled; null without a gap. */
  target: { seq: number; at: number } | null;
  /** Whether the server has proved the place in this session; null: nothing was said of it. */
  isProven: boolean | null;
}

/** Each room takes at most 58 bytes of a frame of 64 KiB: a token of 8 characters, and two numbers of up to 16 digits. */
const MAX_RESUMED_ROOMS = 1_000;

export class RoomLogs {
  readonly #handlers: RoomLogHandlers;
  readonly #logs = new Map<string, RoomLog>();
  /** Rooms whose entry this session has not told. */
  #unmet = new Set<string>();
  #epoch: string | null = null;
  #isSameHistory = false;
  #userId = "";
  #fetch: FetchAfter | null = null;
  /** The number of events that came again and were dropped. */
  duplicates = 0;

  constructor(handlers: RoomLogHandlers) {
    this.#handlers = handlers;
  }

  /** Continues from the cursor of an earlier client of the same person. */
  restore({ epoch, rooms }: Cursor): void {
    this.#epoch = epoch;
    for (const [room, place] of Object.entries(rooms)) {
      const { seq, at } = typeof place === "number" ? { seq: place, at: null } : place;
      this.#begin(room, seq, at, 0).isProven = null;
    }
  }

  #begin(room: string, last: number, at: number | null, memberAt: number): RoomLog {
    const log: RoomLog = { last, at, memberAt, target: null, isProven: true };
    this.#logs.set(room, log);
    return log;
  }

  /**
   * The cursor for hello [GW-7.1]. Of rooms that do not fit into a frame those with the latest events are named. `meet` resets the
   * others, unless they stand where they stood.
   */
  resume(): Cursor | null {
    return this.cursor(MAX_RESUMED_ROOMS);
  }

  /** How far the app came; null before the first session. @param most rooms with the latest events that are named; all when unset */
  cursor(most?: number): Cursor | null {
    if (this.#epoch === null) return null;
    const logs = [...this.#logs];
    if (most) logs.sort(([, a], [, b]) => (b.at ?? 0) - (a.at ?? 0)).splice(most);
    const placeOf = ({ last, at }: RoomLog): Place => (at === null ? last : { seq: last, at });
    return { epoch: this.#epoch, rooms: Object.fromEntries(logs.map(([room, log]) => [room, placeOf(log)])) };
  }

  /** A session begins. Rooms that `ready` left out are met later [GW-15.7]. @param fetch asks for history in this session */
  begin({ epoch, user, rooms, more, resumed = [] }: ReadyFrame, fetch: FetchAfter): void {
    this.#fetch = fetch;
    this.#unmet = new Set(this.#logs.keys());
    for (const { room, recovered, from } of resumed) {
      const log = this.#logs.get(room);
      if (log) log.isProven = recovered && from === log.last + 1;
    }
    this.#isSameHistory = this.#epoch === epoch;
    this.#epoch = epoch;
    this.#userId = user.id;
    this.meet(rooms);
    if (!more) this.allMet();
  }

  /** The user is in these rooms. Those whose place is not proved begin anew, unless they stand where they stood. */
  meet(rooms: readonly (Pick<RoomEntry, "room" | "head"> & { at?: number })[]): void {
    for (const { room, head, at = null } of rooms) {
      const log = this.#logs.get(room) ?? this.#begin(room, head, at, head);
      log.memberAt = head;
      // Logs with an event of the same time at a place are the same up to there [GW-7.6].
      const isUnmoved = log.isProven === null && this.#isSameHistory && log.last === head && log.at === at;
      if (!log.isProven && !(isUnmoved && at !== null)) this.#reset(room, log, head, at);
      if (log.last === head) log.at ??= at;
      log.isProven = true;
      this.#unmet.delete(room);
    }
  }

  /** Whether there are rooms whose entry this session has not told. */
  get areSomeUnmet(): boolean {
    return this.#unmet.size > 0;
  }

  /** The user is in no other rooms than this session has told of. */
  allMet(): void {
    for (const room of this.#unmet) if (!this.#logs.get(room)?.isProven) this.#forget(room);
  }

  /** The session ended. The next one resumes the gaps that it was filling. */
  pause(): void {
    this.#fetch = null;
    for (const log of this.#logs.values()) log.target = log.isProven = null;
  }

  take(event: EventFrame): void {
    // The user was added to a room while connected: its log begins with their joining.
    const log = this.#logs.get(event.room) ?? this.#begin(event.room, event.seq - 1, null, event.seq);
    // Of a room whose entry has not come yet nothing says that the log is the same.
    if (!log.isProven) this.#reset(event.room, log, event.seq - 1, null);
    log.isProven = true;
    if (event.seq <= log.last) this.duplicates++;
    else if (log.target !== null) log.target = later(log.target, event);
    else if (event.seq === log.last + 1) this.#deliver(log, event);
    // A user who waits in a lobby gets the end of their membership at once, and not the events before it [GW-12.4].
    else if (event.seq > log.memberAt && this.#endsMembership(event)) this.#deliver(log, event);
    else this.#repair(log, event);
  }

  #deliver(log: RoomLog, event: EventFrame): void {
    log.last = event.seq;
    log.at = event.at;
    this.#handlers.onEvent(event);
    if (event.seq > log.memberAt && this.#endsMembership(event)) this.#forget(event.room);
  }

  #repair(log: RoomLog, event: EventFrame): void {
    const fetch = this.#fetch;
    if (!fetch) return;
    log.target = event;
    this.#fill(event.room, log, fetch).catch((error: unknown) => {
      if (!(error instanceof ConnectionLost) && this.#fetch === fetch) this.#handlers.onStuck(error);
    });
  }

  /** Events that arrive during the filling only raise the target, because the history has them, too. So no buffer grows. */
  async #fill(room: string, log: RoomLog, fetch: FetchAfter): Promise<void> {
    while (log.target !== null && log.last < log.target.seq) {
      const page = await fetch(room, log.last);
      if (this.#fetch !== fetch || this.#logs.get(room) !== log) return;
      // The user may not see these events, so the room continues behind them.
      if (page.events.length === 0) this.#reset(room, log, log.target.seq, log.target.at);
      for (const event of page.events) this.#fillWith(room, log, event);
    }
    log.target = null;
  }

  #fillWith(room: string, log: RoomLog, event: EventFrame): void {
    if (event.seq <= log.last || this.#logs.get(room) !== log) return;
    if (event.seq > log.last + 1) this.#reset(room, log, event.seq - 1, null);
    this.#deliver(log, event);
  }

  #reset(room: string, log: RoomLog, head: number, at: number | null): void {
    const { last } = log;
    log.last = head;
    log.at = at;
    this.#handlers.onReset({ room, last, head });
  }

  #endsMembership({ type, data }: EventFrame): boolean {
    if (type === "room.deleted") return true;
    const member = data.member as { kind?: string; id?: string } | undefined;
    return type === "member.left" && member?.kind === "user" && member.id === this.#userId;
  }

  #forget(room: string): void {
    this.#logs.delete(room);
    this.#unmet.delete(room);
    this.#handlers.onLeft(room);
  }
}

function later<E extends { seq: number }>(a: E, b: E): E {
  return a.seq > b.seq ? a : b;
}
