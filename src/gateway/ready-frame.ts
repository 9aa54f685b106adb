/** [GW-2.3] The answer to hello. */
import type { SessionRoom } from "../domain/ports/store.ts";
import type { ReadyRoom } from "../protocol/frames.ts";
import { eventFrame } from "./event-frames.ts";

/** One room of the list. `lastPing` and `call` are hot state: 0 while it is away. */
export function readyRoom(room: SessionRoom, lastPing: number, call: number): ReadyRoom {
  const { token, name, type, role, head, read, unread, mentions, last } = room;
  return {
    ...{ room: token, name, type, role, head, read, unread, mention: mentions },
    ...{ last: last ? eventFrame(last) : null, lastPing, call },
  };
}
