/** Deletes rooms whose scheduled deletion is due. Safe on many gateways at once. */
import type { Context } from "../context/context.ts";
import { SYSTEM_ACTOR } from "../model.ts";
import { removeRoom } from "./rooms.ts";

/** Rooms of one query. */
const PAGE = 50;

/** Deletes every room whose `scheduledDeletion` is at or before `now`. A failure is logged; the next sweep tries again. */
export async function deleteDueRooms({ store, logger }: Context, now: number): Promise<void> {
  for (;;) {
    const due = await store.rooms.dueForDeletion(now, PAGE);
    let deleted = 0;
    for (const { id } of due) {
      try {
        await store.transaction(async (tx) => {
          const [room] = await tx.lockRooms([id]);
          // Another gateway deleted the room, or the deletion was moved to a later time.
          if (!room || room.scheduledDeletion === null || room.scheduledDeletion > now) return;
          await removeRoom(tx, SYSTEM_ACTOR, room);
        });
        deleted++;
      } catch (error) {
        logger.error(
          { event: "room.deletion_failed", err: error, roomId: id },
          "could not delete a room that is due; the next sweep tries again",
        );
      }
    }
    if (due.length < PAGE || deleted === 0) return;
  }
}
