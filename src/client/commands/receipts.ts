/** How far members have come. */
import type { Command } from "./command.ts";

export interface ReceiptCommands {
  /**
   * Says how far we have the events of rooms. A client with a store says it by itself; without one only the app knows what it has kept, so
   * the app says it.
   */
  delivered: Command<"delivered">;
  /** Who has a message and who has read it; only counts in a big room. */
  receipts: Command<"receipts">;
}
