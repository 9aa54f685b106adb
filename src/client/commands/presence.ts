/** Signs of life. */
import type { Command, CommandsOf } from "./command.ts";

export const PRESENCE_COMMANDS = ["ping"] as const;

export interface PresenceCommands extends CommandsOf<typeof PRESENCE_COMMANDS> {
  /** Tells the server that we look at the open rooms, or at those named. The client pings by itself to stay connected. */
  ping: Command<"ping">;
}
