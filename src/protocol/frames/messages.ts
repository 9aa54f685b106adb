/** Messages and the read marker: PROTOCOL.md, sections 5 and 6. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room, seq } from "./fields.ts";
import type { EventFrame } from "./server.ts";

/** Where a page of history is; a page has one of them at most. */
const PLACES = ["before", "after", "around", "at"] as const;

export const MESSAGE_OPS = {
  send: z
    .strictObject({
      op: z.literal("send"),
      ref,
      room,
      id: z.string(),
      text: z.string().default(""),
      replyTo: seq.optional(),
      thread: seq.optional(),
      mentions: z.array(z.string()).optional(),
      attachments: z.array(z.string()).optional(),
      format: z.literal("markdown").optional(),
      type: z.string().optional(),
      data: z.record(z.string(), z.unknown()).optional(),
      silent: z.boolean().optional(),
      forward: z.strictObject({ room, seq }).optional(),
    })
    .refine(({ text, attachments = [], forward }) => text !== "" || attachments.length > 0 || forward, {
      path: ["text"],
      message: "must not be empty without attachments",
    }),
  history: z
    .strictObject({
      op: z.literal("history"),
      ref,
      room,
      before: seq.optional(),
      after: seq.optional(),
      around: seq.optional(),
      at: z.int().min(0).optional(),
      thread: seq.optional(),
      limit: z.int().min(1).max(LIMITS.HISTORY_MOST).default(LIMITS.HISTORY_DEFAULT),
    })
    .superRefine((frame, context) => {
      const [first, second] = PLACES.filter((place) => frame[place] !== undefined);
      if (first && second) context.addIssue({ code: "custom", path: [first], message: `excludes ${second}` });
    }),
  // With `unread` alone, or with `seq`.
  read: z
    .strictObject({
      ...{ op: z.literal("read"), ref, room },
      ...{ seq: seq.optional(), thread: seq.optional(), unread: z.literal(true).optional() },
    })
    .superRefine(({ seq, thread, unread }, context) => {
      const isMark = unread === true;
      const message = isMark ? "excludes unread" : "must be given";
      if ((seq === undefined) !== isMark) context.addIssue({ code: "custom", path: ["seq"], message });
      else if (isMark && thread !== undefined)
        context.addIssue({ code: "custom", path: ["thread"], message });
    }),
};

/** [GW-6.12] How far a thread was read that begins at `seq`, and the answers of others after that. */
export interface ThreadRead {
  seq: number;
  read: number;
  unread: number;
}

/** What `ok` holds beside `op` and `ref`. */
export interface MessageAnswers {
  send: { room: string; seq: number; at: number; thread?: number; duplicate?: true };
  history: { events: EventFrame[]; more: boolean };
  read: { read: number; unread: number; mention: number; thread?: ThreadRead };
}
