/** How far members have come [GW-6.9] [GW-6.10]. */
import { DomainError } from "../../domain/errors.ts";
import type { Receipts } from "../../domain/use-cases/messages.ts";
import type { Hub } from "../delivery/hub.ts";
import type { Handlers } from "./handlers.ts";

export type ReceiptCommands = Handlers<"delivered" | "receipts">;

export function createReceiptCommands(receipts: Receipts, hub: Pick<Hub, "byToken">): ReceiptCommands {
  return {
    async delivered({ session, identity }, { rooms }) {
      const waits = (token: string) => hub.byToken(token)?.paused?.get(session)?.waits === true;
      const places = Object.entries(rooms).filter(([token]) => !waits(token));
      await receipts.delivered(identity.actor, Object.fromEntries(places));
      // [GW-12.2]
      const waiting = Object.keys(rooms).find(waits);
      if (waiting !== undefined) {
        throw new DomainError("lobby", "The room's lobby is closed", { field: `rooms.${waiting}` });
      }
      return {};
    },
    async receipts({ identity }, { room, seq }) {
      const { counts, read, delivered } = await receipts.of(identity.actor, room, seq);
      return { ...(read && delivered && { read, delivered }), counts };
    },
  };
}
