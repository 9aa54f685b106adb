/** The keys of a message's mentions in the mentions table. */
import { MENTION_ALL, type MemberKey } from "../../domain/model.ts";

/** Separates member keys in one text. A key that contains it is left out. */
export const KEY_SEPARATOR = "\x1f";
/** The key of a mention of everybody. */
const EVERYBODY: MemberKey = "*";

/**
 * The keys that a message's mentions may stand for. A mention is an actor's id without its kind, so each id gives a key
 * per kind, and the database drops those that are no members. "all" makes every other mention superfluous.
 */
export function mentionKeys(ids: readonly string[]): MemberKey[] {
  if (ids.includes(MENTION_ALL)) return [EVERYBODY];
  const usable = ids.filter((id) => !id.includes("\0") && !id.includes(KEY_SEPARATOR));
  return [...new Set(usable.flatMap((id) => [`u:${id}`, `g:${id}`, `m:${id}`]))];
}
