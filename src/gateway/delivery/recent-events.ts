/**
 * The last events of busy rooms, encoded, for those who were away for a moment: a storm of clients that come back after
 * the network failed costs the log nothing. Bounded over all rooms; the oldest go first.
 */
import { CHANGES_MEMBERSHIP, CHANGES_STANDING, type EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom } from "./followed-room.ts";

const MAX_EVENTS = 16_384;
const MAX_PER_ROOM = 64;
/** Longer events are left to the log. */
const LONGEST_BYTES = 2_048;

export class RecentEvents {
  /** Room and seq of each kept event, in the order in which they came; a ring. */
  readonly #rooms: FollowedRoom[] = [];
  readonly #seqs: number[] = [];
  #next = 0;

  /** The room's next event was delivered. */
  add(room: FollowedRoom, event: EncodedEvent): void {
    if (event.type === "message.edited" || event.type === "message.deleted") takeBack(room, event);
    if (event.json.length > LONGEST_BYTES) {
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

/** Whoever missed the text that an edit or a deletion took back is told what the log says by now. */
function takeBack({ recent }: FollowedRoom, event: EncodedEvent): void {
  const target = Number(event.parsed().data.seq);
  const last = recent.findLastIndex(
    ({ seq, type, about }) => seq === target || (type === "message.edited" && about === target),
  );
  recent.splice(0, last + 1);
}

/**
 * What the room delivered after `seq`, or null when that is not all here. Those that change memberships are left to the
 * log's reader, which knows what they mean to a session; so are those that may shut it out, unless that was `judged`.
 */
export function recentAfter(
  { recent }: FollowedRoom,
  seq: number,
  judged: number,
): readonly EncodedEvent[] | null {
  const first = recent[0]?.seq;
  if (first === undefined || first > seq + 1) return null;
  const missed = recent.slice(seq + 1 - first);
  const isForReader = (event: EncodedEvent) =>
    event.seq > judged ? CHANGES_STANDING.has(event.type) : CHANGES_MEMBERSHIP.has(event.type);
  return missed.some(isForReader) ? null : missed;
}
