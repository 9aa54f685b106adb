/** Wire's connection between two users. */
import { z } from "@hono/zod-openapi";
import { CONNECTION_STATUSES, type ConnectionStatus } from "../../../domain/model.ts";
import { roomToken } from "../../face/socket-names.ts";
import { oneOf, time } from "../../requests/fields.ts";
import { qualified } from "./kinds.ts";

export const connectionSchema = z
  .object({
    from: z.uuid(),
    to: z.uuid(),
    qualified_to: qualified(),
    status: oneOf(CONNECTION_STATUSES),
    message: z.string().nullable(),
    conversation: z.uuid().optional(),
    qualified_conversation: qualified().optional(),
    room: roomToken().optional(),
    last_update: z.iso.datetime(),
  })
  .openapi("Connection");
export type ConnectionBody = z.infer<typeof connectionSchema>;

/** @param one users by UUID */
export function connectionBody(
  one: {
    from: string;
    to: string;
    status: ConnectionStatus;
    message: string | null;
    conversation: { uuid: string; token: string } | null;
    /** ms */
    updatedAt: number;
  },
  domain: string,
): ConnectionBody {
  const { from, to, status, message, conversation, updatedAt } = one;
  return {
    from,
    to,
    qualified_to: { id: to, domain },
    status,
    message,
    ...(conversation !== null && {
      conversation: conversation.uuid,
      qualified_conversation: { id: conversation.uuid, domain },
      room: conversation.token,
    }),
    last_update: time(updatedAt),
  };
}
