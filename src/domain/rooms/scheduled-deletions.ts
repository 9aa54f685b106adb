/** Carrying out the deletions of rooms whose time has come. Every gateway may do it at once. */
import type { Context } from "../context/context.ts";
import { SYSTEM_ACTOR } from "../model.ts";
import { removeRoom } from "./rooms.ts";

/** Rooms that are looked up at once. */
const PAGE = 50;

/** Deletes every room whose `scheduledDeletion` is at or before `now`. One that fails is logged and left for later. */
export async function deleteDueRooms({ store, logger }: Context, now: number): Promise<void> {
  for (;;) {
    const due = await store.rooms.dueForDeletion(now, PAGE);
    let deleted = 0;
    for (const { id } of due) {
      try {
        await store.transaction(async (tx) => {
          const [room] = await tx.lockRooms([id]);
          // Another gateway was faster, or the deletion was put off meanwhile.
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
