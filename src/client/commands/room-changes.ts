/** Making, joining and changing rooms. */
import type { Command } from "./command.ts";

export interface RoomChangeCommands {
  /** Makes a room with its members. The same `id` makes it once. */
  roomCreate: Command<"room.create">;
  /** Opens the one-to-one room with a user. */
  roomDirect: Command<"room.direct">;
  /** What a public room, or the room of a guest link, is, before we join it. */
  roomPreview: Command<"room.preview">;
  /** Becomes a member of a public room, or of the room of a guest link. */
  roomJoin: Command<"room.join">;
  /** Changes settings of a room for all its members, all of them or none. */
  roomSet: Command<"room.set">;
  /** Makes or takes away the guest link of a room. */
  roomLink: Command<"room.link">;
}
