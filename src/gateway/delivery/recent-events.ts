/**
 * The last events of busy rooms, encoded, for sessions that were away for a moment: when many clients come back at once
 * after the network failed, the log is not read. Bounded over all rooms; the oldest go first.
 */
import { AFFECTS_ACCESS, CHANGES_MEMBERSHIP, type EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom } from "./followed-room.ts";

const MAX_EVENTS = 16_384;
const MAX_PER_ROOM = 64;
/** A longer event is not kept: those before it have to be read from the log, too. */
const MAX_EVENT_BYTES = 2_048;

export class RecentEvents {
  /** Room and seq of each kept event, in the order in which they came; a ring. */
  readonly #rooms: FollowedRoom[] = [];
  readonly #seqs: number[] = [];
  #next = 0;

  /** The room's next event was delivered. */
  add(room: FollowedRoom, event: EncodedEvent): void {
    if (event.type === "message.edited" || event.type === "message.deleted") takeBack(room, event);
    if (event.size > MAX_EVENT_BYTES) {
      room.recent.length = 0;
      return;
    }
    room.recent.push(event);
    if (room.recent.length > MAX_PER_ROOM) room.recent.shift();
    const oldest = this.#rooms[this.#next];
    if (oldest?.recent[0]?.seq === this.#seqs[this.#next]) oldest?.recent.shift();
    this.#rooms[this.#next] = room;
    this.#seqs[this.#next] = event.seq;
    this.#next = (this.#next + 1) % MAX_EVENTS;
  }
}

/** Removes the text that an edit or a deletion took back: a subscriber that missed it reads the log's text instead. */
function takeBack({ recent }: FollowedRoom, event: EncodedEvent): void {
  const target = Number(event.parsed().data.seq);
  const last = recent.findLastIndex(
    ({ seq, type, about }) => seq === target || (type === "message.edited" && about === target),
  );
  recent.splice(0, last + 1);
}

/**
 * The events that the room delivered after `seq`, or null when not all of them are here. Events that change memberships
 * are left to catch-up.ts, which knows what they mean to a subscriber. So are events that may shut the user out, unless
 * the domain was asked at the seq `checkedUpTo` or later.
 */
export function recentAfter(
  { recent }: FollowedRoom,
  seq: number,
  checkedUpTo: number,
): readonly EncodedEvent[] | null {
  const first = recent[0]?.seq;
  if (first === undefined || first > seq + 1) return null;
  const missed = recent.slice(seq + 1 - first);
  const isForReader = (event: EncodedEvent) =>
    event.seq > checkedUpTo ? AFFECTS_ACCESS.has(event.type) : CHANGES_MEMBERSHIP.has(event.type);
  return missed.some(isForReader) ? null : missed;
}
