/** Changing and finding messages. */
import type { Command } from "./command.ts";

export interface MessageCommands {
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
