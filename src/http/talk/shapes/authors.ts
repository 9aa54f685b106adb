/** Actors in Talk: users by handle, guests by the hash of their session, others by their kind. */
import { type Actor, SYSTEM_ACTOR, type User } from "../../../domain/model.ts";

export interface Author {
  actorType: "users" | "guests" | "bots" | "deleted_users";
  actorId: string;
  actorDisplayName: string;
}

const DELETED = "deleted_users";
export const UNNAMED_GUEST = "Guest";

/**
 * [B.6.24] Deleted users have a placeholder. People in Matrix are shown as guests, because they have no account.
 * @param user the account of a user; null when it is gone
 */
export function authorOf({ kind, id, name }: Actor, user: User | null): Author {
  if (kind === "system") return { actorType: "bots", actorId: id, actorDisplayName: name };
  if (kind !== "user") return { actorType: "guests", actorId: id, actorDisplayName: name };
  if (!user) return { actorType: DELETED, actorId: DELETED, actorDisplayName: "" };
  return { actorType: "users", actorId: user.handle, actorDisplayName: user.displayName };
}

/** An actor as a parameter of a message. */
export function personOf(actor: Actor, user: User | null): { type: string; id: string; name: string } {
  const { actorId: id, actorDisplayName: name } = authorOf(actor, user);
  if (actor.kind === "user") return { type: "user", id, name };
  if (actor.kind === "system") return { type: "highlight", id, name: name || SYSTEM_ACTOR.name };
  return { type: "guest", id: `guest/${id}`, name: name || UNNAMED_GUEST };
}
