/** Searching messages: PROTOCOL.md, section 14. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room } from "./fields.ts";
import type { EventFrame } from "./server.ts";

const time = z.int().min(0);

export const SEARCH_OPS = {
  search: z.strictObject({
    op: z.literal("search"),
    ref,
    text: z.string(),
    room: room.optional(),
    from: z.string().optional(),
    before: time.optional(),
    after: time.optional(),
    has: z.enum(["file", "image", "link"]).optional(),
    limit: z.int().min(1).max(LIMITS.SEARCH_MOST).default(LIMITS.SEARCH_DEFAULT),
    cursor: z.string().optional(),
  }),
};

/** [GW-14.4] A start and a length in UTF-16 code units. */
export type Highlight = readonly [start: number, length: number];

/** What `ok` holds beside `op` and `ref`. */
export interface SearchAnswers {
  search: {
    hits: { event: EventFrame; highlights: readonly Highlight[] }[];
    cursor?: string;
    behind?: number;
  };
}
