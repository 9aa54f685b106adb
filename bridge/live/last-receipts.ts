/**
 * The receipts that the bridge set last. The homeserver tells the bridge of its own receipts as of anybody's, and they carry no
 * mark: one that is equal to the last that the bridge set is its echo.
 */
import { LRUCache } from "lru-cache";

export interface LastReceipts {
  put(matrixRoomId: string, matrixId: string, eventId: string): void;
  /** Whether the bridge set this receipt last. */
  isEcho(matrixRoomId: string, matrixId: string, eventId: string): boolean;
}

const MAX_KEPT = 20_000;

export function createLastReceipts(): LastReceipts {
  const kept = new LRUCache<string, string>({ max: MAX_KEPT });
  return {
    put: (room, person, event) => void kept.set(`${room} ${person}`, event),
    isEcho: (room, person, event) => kept.get(`${room} ${person}`) === event,
  };
}
