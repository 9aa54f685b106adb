/** Who acts. See ../model.ts for the words about ids and times. */

/** Who acts. `id` is a user's int64 in decimal, a guest's opaque id, a Matrix user id, or a system part's name. */
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

/** The inverse of {@link memberKey}; `name` is what the store remembered beside the key. */
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
 * For a name that is nobody's. Use cases refuse it as they refuse somebody who does not exist for the caller, after the
 * same look-ups: nobody learns which names are taken.
 */
export const NOBODY: Actor = { kind: "user", id: "0", name: "" };

/** What Causeway itself does (automation, expiry, deletion of accounts). */
export const SYSTEM_ACTOR: Actor = { kind: "system", id: "causeway", name: "Causeway" };

/** The mention of everybody in the room; stored as one row, however many members. */
export const MENTION_ALL = "all";
