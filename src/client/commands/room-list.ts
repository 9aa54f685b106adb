/** The user's own settings of a room. The list of rooms has an observable, and reads its own pages. */
import type { Command, CommandsOf } from "./command.ts";

export const ROOM_LIST_COMMANDS = ["settings"] as const;

export interface RoomListCommands extends CommandsOf<typeof ROOM_LIST_COMMANDS> {
  /** Changes what the user set for themselves in a room. Resolves with the room's entry. */
  settings: Command<"settings">;
}
