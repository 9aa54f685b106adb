/** [GW-2.3] The answer to hello. */

import type { SessionRoom } from "../../domain/ports/store/room-lists.ts";
import { cutText } from "../../domain/text-rules.ts";
import type { EventFrame, ReadyRoom } from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { eventFrame } from "./encoded-event.ts";

/**
 * One room of the list. `lastPing` and `call` are hot state: 0 while it is away. A user who waits sees nothing of the room [GW-12.3].
 * Written out, as {@link eventFrame}: hundreds of thousands are made when many clients come back at once, and there
 * spreading objects costs more than all the rest.
 */
export function readyRoom(
  room: SessionRoom,
  { lastPing, call, waits }: { lastPing: number; call: number; waits: boolean },
): ReadyRoom {
  const { token, name, type, role, head, at, read, unread, mentions, last } = room;
  const ready: ReadyRoom = {
    room: token,
    name,
    type,
    role,
    head,
    at,
    read,
    unread: waits ? 0 : unread,
    mention: waits ? 0 : mentions,
    last: last && !waits ? preview(eventFrame(last)) : null,
    lastPing,
    call: waits ? 0 : call,
  };
  if (waits) ready.waiting = true;
  return ready;
}

/** A list of rooms is no place for long texts and data: hundreds of them would fill the connection. */
function preview(event: EventFrame): EventFrame {
  if (event.data.data !== undefined) {
    const { data: _, ...data } = event.data;
    return preview({ ...event, data });
  }
  const { text } = event.data;
  if (typeof text !== "string" || text.length <= LIMITS.PREVIEW_CHARACTERS) return event;
  return { ...event, data: { ...event.data, text: cutText(text, LIMITS.PREVIEW_CHARACTERS) } };
}
