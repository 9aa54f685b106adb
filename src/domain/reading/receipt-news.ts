/** Tells a room how far a member has come: everybody there, the member's contacts, or nobody, as the member says. */
import type { Context } from "../context/context.ts";
import type { Actor, Audience } from "../model.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";

/** How far the member came, and whom they tell. */
export interface ReceiptNews {
  read: number;
  delivered: number;
  audience: Audience;
}

export type TellReceipt = (room: NamedRoom, actor: Actor, news: ReceiptNews) => void;

/** Nothing waits for what it makes, and nothing is thrown. */
export function createTellReceipt({
  store,
  broadcasts,
  bestEffort,
}: Pick<Context, "store" | "broadcasts" | "bestEffort">): TellReceipt {
  return (room, actor, { read, delivered, audience }) => {
    if (audience === "everybody") broadcasts.receipt(room, actor, read, delivered);
    if (audience !== "contacts" || actor.kind !== "user") return;
    void bestEffort("Telling contacts who has read", async () => {
      const to = await store.people.contactsIn(room.id, Number(actor.id));
      if (to.length > 0) broadcasts.receipt(room, actor, read, delivered, to);
    });
  };
}
