/** Waits for the bridge to have done all that it knows of. */
import type { Room } from "../../src/domain/model.ts";
import { until, type World } from "./world.ts";

/** Resolves when nothing of the room waits to be applied, mirrored or put back, and no worker has it. */
export async function untilQuiet(world: World, room: Room): Promise<void> {
  await world.mirrored(room);
  await until("the bridge has nothing left to do in the room", async () => {
    const [row] = await world.store.sql<{ waits: boolean }[]>`
      select doubts > 0 or unsettled > 0 or owner is not null or exists (
        select from bridge_inbox i where i.conversation_id = b.conversation_id and i.done_at is null) as waits
      from bridge_rooms b where conversation_id = ${room.id}`;
    return row?.waits === false;
  });
}
