/** How far members have come. */
import type { Command, CommandsOf } from "./command.ts";

export const RECEIPT_COMMANDS = ["delivered", "receipts"] as const;

export interface ReceiptCommands extends CommandsOf<typeof RECEIPT_COMMANDS> {
  /**
   * Says how far we have the events of rooms. A client with a store says it by itself; without one only the app knows what it has kept, so
   * the app says it.
   */
  delivered: Command<"delivered">;
  /** Who has a message and who has read it; only counts in a big room. */
  receipts: Command<"receipts">;
}
