/** [GW-12] What an event of a room's log says about its lobby. */
import { type Actor, isUser } from "../../domain/model.ts";
import type { EventFrame } from "../../protocol/frames.ts";
import type { FollowedRoom } from "./followed-room.ts";

/** An event of AFFECTS_ACCESS; another one says nothing of lobbies. */
type AccessEvent = Pick<EventFrame, "seq" | "type" | "data">;

/** Whether a user who reads the room may have to wait from this event on. Only the domain knows for certain. */
export function mayShutOut(room: FollowedRoom, event: AccessEvent, userId: number): boolean {
  switch (event.type) {
    case "room.changed":
      return shutsLobby(event);
    // The event shuts nobody out where the lobby was open at its seq. Of an event that was delivered earlier, that is not known.
    case "member.joined":
    case "member.changed":
      return (
        (room.lobbyMayBeShut || event.seq < room.delivered) && isUser(event.data.member as Actor, userId)
      );
    default:
      return false;
  }
}

/** Null when the event says nothing of the lobby. A lobby whose time is put off stays shut, or is shut again. */
export function lobbyChange(event: AccessEvent): { isShut: boolean } | null {
  const { lobby, lobbyUntil } = event.data;
  return lobby === undefined && lobbyUntil === undefined ? null : { isShut: shutsLobby(event) };
}

function shutsLobby({ data: { lobby, lobbyUntil } }: AccessEvent): boolean {
  return lobby === true || (lobby === undefined && lobbyUntil !== undefined);
}
