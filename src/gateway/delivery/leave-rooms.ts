/** Leaving a room where no event that was delivered here says that the user left. */
import type { FollowedRoom, Subscriber } from "./followed-room.ts";
import type { Hub } from "./hub.ts";

/** Leaves rooms that the user is not in. The log says when the user left; where it does not, that is not told. */
export async function leaveRooms(
  hub: Pick<Hub, "fillToNow">,
  subscriber: Subscriber,
  rooms: readonly FollowedRoom[],
): Promise<void> {
  if (rooms.length === 0) return;
  const before = rooms.map((room) => subscriber.rooms.get(room));
  await hub.fillToNow(rooms);
  rooms.forEach((room, n) => {
    // A subscription that catches up reads in the log that the stay ended.
    const isCatchingUp = room.catchingUp.some((each) => each.subscriber === subscriber);
    if (!isCatchingUp && subscriber.rooms.get(room) === before[n]) subscriber.end(room);
  });
}
