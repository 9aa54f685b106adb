/** [GW-2.3] The answer to hello. */
import type { RoomListing } from "../domain/ports/store.ts";
import type { ReadyRoom } from "../protocol/frames.ts";
import { eventFrame } from "./event-frames.ts";

/** One room of the list. `lastPing` and `call` are hot state: 0 while it is away. */
export function readyRoom(listing: RoomListing, lastPing: number, call: number): ReadyRoom {
  const { conversation, membership, head, mentions, last } = listing;
  return {
    room: conversation.token,
    name: conversation.name,
    type: conversation.type,
    role: membership.role,
    head: head.head,
    read: membership.readSeq,
    unread: Math.max(0, head.messages - membership.readMessages),
    mention: mentions,
    last: last ? eventFrame(last) : null,
    lastPing,
    call,
  };
}
