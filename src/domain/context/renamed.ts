/** What a user goes by changed: name, handle, picture or status; or they are nobody any more. */
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

/**
 * The one-to-one rooms of a user who is about to be deleted. Never rejects.
 * @returns announces, after the deletion, that the other's entry of each of them changed
 */
export async function announcingDeleted(
  { store, broadcasts, bestEffort }: Pick<Context, "store" | "broadcasts" | "bestEffort">,
  userId: number,
): Promise<() => void> {
  let pairs: { roomId: number; peerId: number }[] = [];
  await bestEffort("Looking up the one-to-one rooms of a user who is deleted", async () => {
    pairs = await store.roomLists.pairsOf(userId);
  });
  return () => {
    for (const { roomId, peerId } of pairs) broadcasts.entry(peerId, roomId);
  };
}
