/** Whom a message mentions, as the mentions table names them. */
import { MENTION_ALL, type MemberKey } from "../../domain/model.ts";

/** What takes member keys apart in one text; no key that holds it is of use. */
export const KEY_SEPARATOR = "\x1f";
/** The key of a mention of everybody. */
const EVERYBODY: MemberKey = "*";

/**
 * The keys that a message's mentions may stand for. A mention is an actor's id without its kind, so each id gives a
 * key per kind; which of them are members, the database knows. "all" covers everybody else.
 */
export function mentionKeys(ids: readonly string[]): MemberKey[] {
  if (ids.includes(MENTION_ALL)) return [EVERYBODY];
  const usable = ids.filter((id) => !id.includes("\0") && !id.includes(KEY_SEPARATOR));
  return [...new Set(usable.flatMap((id) => [`u:${id}`, `g:${id}`, `m:${id}`]))];
}
