/** Editing and deleting messages, reactions and pins: PROTOCOL.md, section 13. */
import { z } from "zod";
import { ref, room, seq } from "./fields.ts";

const reaction = { ref, room, seq, name: z.string() };

export const MESSAGE_CHANGE_OPS = {
  edit: z.strictObject({
    op: z.literal("edit"),
    ref,
    room,
    seq,
    text: z.string(),
    mentions: z.array(z.string()).optional(),
    attachments: z.array(z.string()).optional(),
    format: z.literal("markdown").nullable().optional(),
  }),
  delete: z.strictObject({ op: z.literal("delete"), ref, room, seq, forMe: z.boolean().optional() }),
  react: z.strictObject({ op: z.literal("react"), ...reaction }),
  unreact: z.strictObject({ op: z.literal("unreact"), ...reaction }),
  pin: z.strictObject({ op: z.literal("pin"), ref, room, seq }),
  unpin: z.strictObject({ op: z.literal("unpin"), ref, room, seq }),
};

/** [GW-13.1] The event that the command made, or that the state was so already. */
export type ChangeAnswer =
  | { room: string; seq: number; at: number; duplicate?: never }
  | { room: string; duplicate: true; seq?: never; at?: never };

/** [GW-13.7] The message is hidden for oneself: there is no event. */
export interface HiddenAnswer {
  room: string;
  seq?: never;
  at?: never;
  duplicate?: never;
}

/** What `ok` holds beside `op` and `ref`. */
export interface MessageChangeAnswers
  extends Record<Exclude<keyof typeof MESSAGE_CHANGE_OPS, "delete">, ChangeAnswer> {
  delete: ChangeAnswer | HiddenAnswer;
}
