/** Changing and finding messages. */
import type { Command, CommandsOf } from "./command.ts";

export const MESSAGE_COMMANDS = ["edit", "delete", "react", "unreact", "pin", "unpin", "search"] as const;

export interface MessageCommands extends CommandsOf<typeof MESSAGE_COMMANDS> {
  /** Changes the text of our message. */
  edit: Command<"edit">;
  /** Deletes a message: our own, or as a moderator any. With `forMe` it hides any message from us alone, on all our devices. */
  delete: Command<"delete">;
  /** Adds our reaction to a message. */
  react: Command<"react">;
  /** Takes back our reaction to a message. */
  unreact: Command<"unreact">;
  /** Pins a message. The one that was pinned in the room is pinned no more. */
  pin: Command<"pin">;
  unpin: Command<"unpin">;
  /** Finds messages by their words, the newest first. The answer's `cursor` gets the next page. */
  search: Command<"search">;
}
