/** What a user goes by changed: name, handle, picture or status. */
import type { User } from "../model.ts";
import type { Context } from "./context.ts";

/**
 * Announces it to everybody in the user's rooms. Never rejects.
 * @param roomIds the user's rooms. One-to-one rooms of them are called as the user is: there the other's entry changes, too
 */
export async function announceRenamed(
  { store, broadcasts, bestEffort }: Pick<Context, "store" | "broadcasts" | "bestEffort">,
  user: User,
  roomIds: readonly number[],
): Promise<void> {
  broadcasts.renamed(user, roomIds);
  await bestEffort("Announcing a user in the entries of one-to-one rooms", async () => {
    for (const { roomId, peerId } of await store.roomLists.pairsOf(user.id)) broadcasts.entry(peerId, roomId);
  });
}
