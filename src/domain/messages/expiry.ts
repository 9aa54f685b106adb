/** Deletes expired messages: in rooms with a message timer each message has a time at which Causeway deletes it. */
import type { Context } from "../context/context.ts";
import type { MessagePlace } from "../ids.ts";
import { SYSTEM_ACTOR } from "../model.ts";
import type { Recount } from "../reading/recount.ts";
import { type Deleted, deleteMessages } from "./deletion.ts";

/** Messages of one query, and of one room in one transaction. */
const STEP = 200;

type Gone = Deleted & MessagePlace & { room: string };

/** Deletes messages that are due at `now`. Safe on many gateways at once: deleting a message again does nothing. */
export async function sweepExpired({ store }: Context, recount: Recount, now: number): Promise<void> {
  for (;;) {
    const due = await store.messages.expired(now, STEP);
    const byRoom = new Map<number, MessagePlace[]>();
    for (const place of due) {
      byRoom.set(place.roomId, [...(byRoom.get(place.roomId) ?? []), place]);
    }
    for (const [roomId, places] of byRoom) {
      const deleted = await store.transaction(async (tx) => {
        const [room] = await tx.lockRooms([roomId]);
        const seqs = room ? places.map(({ seq }) => seq) : [];
        const gone = await deleteMessages(tx, SYSTEM_ACTOR, roomId, seqs);
        await tx.messages.forgetExpiries(places);
        return room ? gone.map((message): Gone => ({ ...message, roomId, room: room.token })) : [];
      });
      await recount.deleted(deleted);
    }
    if (due.length < STEP) return;
  }
}
