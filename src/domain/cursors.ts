/** Pages between cursors, as clients walk through lists in both directions. */
import { badField } from "./errors.ts";

/** What a client asks for. Cursors are exclusive, and never both. */
export interface CursorPage<C> {
  startingAfter?: C;
  endingBefore?: C;
  limit: number;
}

/** What the store is asked for: one more than the page, to know whether there are more. */
export interface CursorQuery<P> {
  after?: P;
  before?: P;
  limit: number;
}

const MAX_LIMIT = 100;

/**
 * @param placeOf where a cursor stands in the list; null for one that is unknown, or not the reader's
 * @throws DomainError `bad_request` for such a cursor, for both cursors, and for a limit outside of 1–100
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

/** The page that was asked for. The one too many lies at the far end, seen from the cursor. */
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
