/**
 * Ids of notifications: UUIDs that encode a place in the journal and can be read back, so that a client's last id says
 * where to continue. They sort as texts like the places. Layout: UUID version 7 (RFC 9562), whose free bits hold room and
 * seq:
 *
 *     48 bits ms since 1970 │ 0111 │ 12 bits room (high) │ 10 │ 30 bits room (low) │ 32 bits seq
 */
import type { JournalPlace } from "../../../domain/model.ts";

const ROOM_LOW_BITS = 30n;
const SEQ_BITS = 32n;
const MAX_AT = 2 ** 48;
const MAX_ROOM = 2 ** 42;
const MAX_SEQ = 2 ** 32;
const TRANSIENT_ROOM = MAX_ROOM - 1;

/** @throws RangeError for a place that does not fit */
export function notificationId({ at, roomId, seq }: JournalPlace): string {
  if (!(at < MAX_AT && roomId < MAX_ROOM && seq < MAX_SEQ))
    throw new RangeError(`Event ${seq} of room ${roomId} has no notification id`);
  const room = BigInt(roomId);
  const high = (BigInt(at) << 16n) | 0x7000n | (room >> ROOM_LOW_BITS);
  const low = (2n << 62n) | ((room & (2n ** ROOM_LOW_BITS - 1n)) << SEQ_BITS) | BigInt(seq);
  const hex = high.toString(16).padStart(16, "0") + low.toString(16).padStart(16, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * The id of a notification that is not in the journal: the place after everything that its reader has got, so that a client
 * can continue from it too.
 * @param settled the reader has got everything before this time, ms
 */
export function transientId(settled: number, count: number): string {
  return notificationId({ at: settled - 1, roomId: TRANSIENT_ROOM, seq: count });
}

/** Whether a place is that of a notification that is not in the journal. */
export function isTransient({ roomId }: JournalPlace): boolean {
  return roomId === TRANSIENT_ROOM;
}

/** The inverse of {@link notificationId}; null when the UUID encodes no place. */
export function notificationPlace(uuid: string): JournalPlace | null {
  const value = BigInt(`0x${uuid.replaceAll("-", "")}`);
  const high = value >> 64n;
  const low = value & (2n ** 64n - 1n);
  if ((high & 0xf000n) !== 0x7000n || low >> 62n !== 2n) return null;
  const room = ((high & 0xfffn) << ROOM_LOW_BITS) | ((low >> SEQ_BITS) & (2n ** ROOM_LOW_BITS - 1n));
  return {
    at: Number(high >> 16n),
    roomId: Number(room),
    seq: Number(low & (2n ** SEQ_BITS - 1n)),
  };
}
