/**
 * Hands each room's events to the app in `seq` order, each once, with no gap: drops what comes twice, fetches what is
 * missing, and says plainly where the thread is lost. It knows how far the app has come, which is what resuming needs.
 */
import type { EventFrame, OkFields, Place, ReadyFrame, ReadyRoom } from "../protocol/frames.ts";
import type { Cursor } from "./cursors.ts";
import { ConnectionLost } from "./failures.ts";

/**
 * The room's events can't be continued after `last`. Forget what you hold of the room and load it again from
 * `history` before `head + 1`; events after `head` follow as usual.
 */
export interface Reset {
  room: string;
  last: number;
  head: number;
}

export interface RoomLogHandlers {
  onEvent(event: EventFrame): void;
  onReset(reset: Reset): void;
  /** The room is not ours any more: left, removed from it, or deleted. */
  onLeft(room: string): void;
  /** A gap could not be filled in this session: a new one resumes with proof. */
  onStuck(error: unknown): void;
}
/** How missing events are asked for: {@link OkFields.history} after a seq, ascending. */
export type FetchAfter = (room: string, after: number) => Promise<OkFields["history"]>;

interface RoomLog {
  /** The last seq that the app was given. */
  last: number;
  /** The time of the event at `last`: with it the server can tell its log from another one. Null: not known. */
  at: number | null;
  /** We were in the room at this seq: a departure of ours up to it was followed by another joining. */
  memberAt: number;
  /** While a gap is being filled: the highest event that was seen beyond it. */
  target: { seq: number; at: number } | null;
}

/** Each takes at most 58 bytes of a frame of 64 KiB: a token of 8 characters, and two numbers of up to 16 digits. */
const MAX_RESUMED = 1_000;

export class RoomLogs {
  readonly #handlers: RoomLogHandlers;
  readonly #logs = new Map<string, RoomLog>();
  #epoch: string | null = null;
  #userId = "";
  #fetch: FetchAfter | null = null;
  /** Events that came again and were not shown again; grows with each. */
  duplicates = 0;

  constructor(handlers: RoomLogHandlers) {
    this.#handlers = handlers;
  }

  /** Goes on from where an earlier client of the same person stopped. */
  restore({ epoch, rooms }: Cursor): void {
    this.#epoch = epoch;
    for (const [room, place] of Object.entries(rooms)) {
      const { seq, at } = typeof place === "number" ? { seq: place, at: null } : place;
      this.#logs.set(room, { last: seq, at, memberAt: 0, target: null });
    }
  }

  /** What a hello says to resume [GW-7.1]; rooms beyond what fits into a frame are told as reset. */
  resume(): Cursor | null {
    const cursor = this.cursor();
    return (
      cursor && { ...cursor, rooms: Object.fromEntries(Object.entries(cursor.rooms).slice(0, MAX_RESUMED)) }
    );
  }

  /** How far the app has come; null before the first session. */
  cursor(): Cursor | null {
    if (this.#epoch === null) return null;
    const placeOf = ({ last, at }: RoomLog): Place => (at === null ? last : { seq: last, at });
    const rooms = Object.fromEntries([...this.#logs].map(([room, log]) => [room, placeOf(log)]));
    return { epoch: this.#epoch, rooms };
  }

  /** A session begins. `fetch` asks for history in it. */
  begin(ready: ReadyFrame, fetch: FetchAfter): void {
    this.#fetch = fetch;
    this.#epoch = ready.epoch;
    this.#userId = ready.user.id;
    const proofs = new Map((ready.resumed ?? []).map((proof) => [proof.room, proof]));
    const present = new Set(ready.rooms.map(({ room }) => room));
    for (const room of this.#logs.keys()) if (!present.has(room)) this.#forget(room);
    for (const { room, head, at = null } of ready.rooms as (Omit<ReadyRoom, "at"> & { at?: number })[]) {
      const log = this.#logs.get(room);
      const proof = proofs.get(room);
      if (!log) this.#logs.set(room, { last: head, at, memberAt: head, target: null });
      else {
        log.memberAt = head;
        if (log.last === head) log.at ??= at;
        if (!proof?.recovered || proof.from !== log.last + 1) this.#reset(room, log, head, at);
      }
    }
  }

  /** The session ended: what it was still filling is resumed by the next one. */
  pause(): void {
    this.#fetch = null;
    for (const log of this.#logs.values()) log.target = null;
  }

  take(event: EventFrame): void {
    const log = this.#logs.get(event.room);
    if (!log) this.#join(event);
    else if (event.seq <= log.last) this.duplicates++;
    else if (log.target !== null) log.target = later(log.target, event);
    else if (event.seq === log.last + 1) this.#deliver(log, event);
    // Who waits in a lobby hears the end of their stay at once; what they missed is not theirs any more [GW-12.4].
    else if (event.seq > log.memberAt && this.#endsMembership(event)) this.#deliver(log, event);
    else this.#repair(log, event);
  }

  /** A room that we were brought into while connected: its log begins with our own joining. */
  #join(event: EventFrame): void {
    const log = { last: event.seq - 1, at: null, memberAt: event.seq, target: null };
    this.#logs.set(event.room, log);
    this.#deliver(log, event);
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

  /** What comes meanwhile is not kept but raises the target: the history has it all, so nothing here can grow. */
  async #fill(room: string, log: RoomLog, fetch: FetchAfter): Promise<void> {
    while (log.target !== null && log.last < log.target.seq) {
      const page = await fetch(room, log.last);
      if (this.#fetch !== fetch || this.#logs.get(room) !== log) return;
      // What the history does not show to us we are not meant to see: the thread is picked up behind it.
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
    this.#handlers.onLeft(room);
  }
}

function later<E extends { seq: number }>(a: E, b: E): E {
  return a.seq > b.seq ? a : b;
}
