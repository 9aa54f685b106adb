/** Actors and their keys. See ../model.ts about ids and times. */

/** The author of an act. `id`: a user's int64 in decimal, a guest's opaque id, a Matrix user id, or a system part's name. */
export interface Actor {
  kind: ActorKind;
  id: string;
  name: string;
}
export type ActorKind = "user" | "guest" | "matrix" | "system";

/**
 * One text that names an actor in the store: `u:42`, `g:…`, `m:@a:example.org`, `s:causeway`.
 * It is the key of memberships, mentions and of the duplicate check of sends.
 */
export type MemberKey = string;

const KIND_LETTER: Record<ActorKind, string> = { user: "u", guest: "g", matrix: "m", system: "s" };
const LETTER_KIND: Record<string, ActorKind> = { u: "user", g: "guest", m: "matrix", s: "system" };

export function memberKey(actor: Pick<Actor, "kind" | "id">): MemberKey {
  return `${KIND_LETTER[actor.kind]}:${actor.id}`;
}

/** The inverse of {@link memberKey}. A key has no name, so the caller gives it. */
export function actorOf(key: MemberKey, name: string): Actor {
  return { kind: LETTER_KIND[key[0] ?? "s"] ?? "system", id: key.slice(2), name };
}

export function userKey(userId: number): MemberKey {
  return `u:${userId}`;
}

/** Whether the actor is the user with this id. */
export function isUser({ kind, id }: Pick<Actor, "kind" | "id">, userId: number): boolean {
  return kind === "user" && id === String(userId);
}

/**
 * Stands for an unknown name. Use cases refuse it like a user whom the caller may not see, after the same look-ups, so that
 * callers can't find out which names exist.
 */
export const NOBODY: Actor = { kind: "user", id: "0", name: "" };

/** The author of Causeway's own acts: automation, expiry, deletion of accounts. */
export const SYSTEM_ACTOR: Actor = { kind: "system", id: "causeway", name: "Causeway" };

/** The name of a deleted user in the log. */
export const DELETED_USER = "Deleted user";

/** The mention of everybody in the room, stored as one row for any number of members. */
export const MENTION_ALL = "all";
