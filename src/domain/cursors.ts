/** Pages of a list before or after a cursor. */
import { badField } from "./errors.ts";

/** A client's request: the page after or before an item, not including it. At most one cursor is given. */
export interface CursorPage<C> {
  startingAfter?: C;
  endingBefore?: C;
  limit: number;
}

/** The query for the store. `limit` is one more than the page, which shows whether there are more items. */
export interface CursorQuery<P> {
  after?: P;
  before?: P;
  limit: number;
}

const MAX_LIMIT = 100;

/**
 * @param placeOf the cursor's place in the list; null when it is unknown, or the reader may not see it
 * @throws DomainError `bad_request` for such a cursor, for two cursors, and for a limit outside of 1–100
 */
export async function cursorQuery<C, P>(
  page: CursorPage<C>,
  placeOf: (cursor: C) => Promise<P | null>,
): Promise<CursorQuery<P>> {
  const { startingAfter, endingBefore, limit } = page;
  checkLimit(limit, MAX_LIMIT);
  if (startingAfter !== undefined && endingBefore !== undefined) {
    throw badField("startingAfter", "and endingBefore must not be given together");
  }
  const place = async (field: string, cursor: C): Promise<P> => {
    const found = await placeOf(cursor);
    if (found === null) throw badField(field, "names nothing in this list");
    return found;
  };
  return {
    limit: limit + 1,
    ...(startingAfter !== undefined && { after: await place("startingAfter", startingAfter) }),
    ...(endingBefore !== undefined && { before: await place("endingBefore", endingBefore) }),
  };
}

/** Cuts what the store found to the requested page: the extra item is at the end that is farther from the cursor. */
export function cut<T, P>(found: readonly T[], query: CursorQuery<P>): { items: T[]; more: boolean } {
  const limit = query.limit - 1;
  const items = query.before === undefined ? found.slice(0, limit) : found.slice(-limit);
  return { items, more: found.length > limit };
}

export function checkLimit(limit: number, most: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw badField("limit", `must be an integer from 1 to ${most}`);
  }
}
