/** Messages that expire: in rooms with a message timer each has its time, and is deleted by Causeway itself after it. */
import type { Context } from "./context.ts";
import { deleteMessage } from "./deletion.ts";
import type { MessagePlace } from "./ids.ts";
import { SYSTEM_ACTOR } from "./model.ts";

/** Messages in one look, and of one room in one transaction. */
const STEP = 200;

/** Deletes what is due at `now`. Safe on many gateways at once: a message that somebody else deleted says nothing. */
export async function sweepExpired({ store }: Context, now: number): Promise<void> {
  for (;;) {
    const due = await store.messages.expired(now, STEP);
    const byRoom = new Map<number, MessagePlace[]>();
    for (const place of due) {
      byRoom.set(place.conversationId, [...(byRoom.get(place.conversationId) ?? []), place]);
    }
    for (const [conversationId, places] of byRoom) {
      await store.transaction(async (tx) => {
        const [room] = await tx.lockRooms([conversationId]);
        if (room) for (const place of places) await deleteMessage(tx, SYSTEM_ACTOR, place);
        await tx.messages.forgetExpiries(places);
      });
    }
    if (due.length < STEP) return;
  }
}
