/**
 * Ids of notifications: UUIDs that name a place in the order of time, both ways, so that a client's last one says where
 * to go on. As texts they compare as the places do. Laid out as version 7, whose 74 free bits hold room and seq:
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

/** @throws RangeError for a place beyond what the ids have room for */
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
 * An id for what is not kept: the place after everything that its reader was told, so that it too can be gone on from.
 * @param settled ms; everything before this time was told
 */
export function transientId(settled: number, count: number): string {
  return notificationId({ at: settled - 1, roomId: TRANSIENT_ROOM, seq: count });
}

/** Whether a place is that of something which is not kept. */
export function isTransient({ roomId }: JournalPlace): boolean {
  return roomId === TRANSIENT_ROOM;
}

/** The inverse of {@link notificationId}, for a UUID; null when it names no place. */
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
