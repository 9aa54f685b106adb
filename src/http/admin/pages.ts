/** Lists of the admin API: `limit` and `after` in, `{items, next}` out. */
import { z } from "@hono/zod-openapi";
import { intText, MAX_ID } from "../requests/fields.ts";

export const pageQuery = z.object({
  limit: intText({ min: 1, max: 200, fallback: 50 }),
  after: intText({ min: 0, max: MAX_ID, fallback: 0 }).openapi({ description: "`next` of the page before" }),
});
type PageQuery = z.output<typeof pageQuery>;

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next: z.int().nullable().openapi({ description: "`after` of the next page; null on the last" }),
  });
}

/** Reads one item more than the page, which shows whether there is a next page. */
export async function readPage<T extends { id: number }, B>(
  { limit, after }: PageQuery,
  read: (page: PageQuery) => Promise<T[]>,
  shape: (item: T) => B,
): Promise<{ items: B[]; next: number | null }> {
  const found = await read({ limit: limit + 1, after });
  const items = found.slice(0, limit);
  const next = found.length > limit ? (items.at(-1)?.id ?? null) : null;
  return { items: items.map(shape), next };
}
