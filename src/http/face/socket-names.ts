/**
 * How answers of all APIs name rooms and messages for the WebSocket, beside the names of their own: `room` and `seq`, as its
 * frames do (PROTOCOL.md, GW-15.2).
 */
import { z } from "@hono/zod-openapi";

/** The paragraph about it in an API's description. */
export const SOCKET_NAMES =
  "Answers that name a room also hold its name on the WebSocket `/ws`, as `room`; of messages, and of other events in the room's log, " +
  "they hold `seq`, the number there.";

/** The room's token. */
export function roomToken() {
  return z.string().openapi({ description: "The room's name on the WebSocket", example: "k3p9xq2a" });
}

/** The place of a message or another event in its room's log. */
export function seqInRoom() {
  return z.int().openapi({ description: "Its `seq` in `room` on the WebSocket" });
}
