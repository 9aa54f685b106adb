/** [B.4] Calls: listing participants, joining (with flags) and leaving. */
import { z } from "@hono/zod-openapi";
import type { RoomPerson } from "../../../domain/use-cases/rooms.ts";
import { roomToken } from "../../face/socket-names.ts";
import type { TalkParts } from "../common/parts.ts";
import { NOT_JOINED, seconds } from "../shapes/constants.ts";
import { PREFIX } from "../shapes/description.ts";
import { integer } from "../shapes/parameters.ts";

const CALL = `${PREFIX}/call/{token}`;
const READ_ONLY = "The room is read-only";
const WAITING = "The caller waits in the lobby";

const peerSchema = z
  .object({
    userId: z.string(),
    token: z.string(),
    room: roomToken(),
    lastPing: z.int(),
    sessionId: z.string(),
  })
  .openapi("Peer");

export function registerCalls(parts: TalkParts<"joining" | "roster">): void {
  registerPeers(parts);
  registerAttendance(parts);
}

function registerPeers({ inRoom, useCases: { roster } }: TalkParts<"roster">): void {
  inRoom(
    {
      ...{ method: "get", path: CALL, summary: "Who is in the call", action: "call", guests: true },
      answers: {
        200: { data: z.array(peerSchema), description: "Peers" },
        403: READ_ONLY,
        412: WAITING,
      },
    },
    async ({ actor, token }) => {
      const peers = await roster.peers(actor, token);
      return { status: 200, data: peers.flatMap((peer) => peerBodies(peer, token)) };
    },
  );
}

/** Being in the call oneself. */
function registerAttendance({ inRoom, useCases: { joining } }: TalkParts<"joining">): void {
  inRoom(
    {
      ...{
        method: "post",
        path: CALL,
        summary: "Join the call, or change one's flags",
        action: "call",
        guests: true,
      },
      input: {
        flags: integer({ min: 1, max: 7 })
          .default(7)
          .openapi({ description: "Bits: 1 in call, 2 audio, 4 video" }),
      },
      answers: { 200: "In the call", 403: READ_ONLY, 404: "No such room, or not joined", 412: WAITING },
    },
    async ({ actor, token, client, input }) => {
      await joining.joinCall(actor, token, input.flags, client);
      return { status: 200 };
    },
  );
  inRoom(
    {
      ...{ method: "delete", path: CALL, summary: "Leave the call", action: null, guests: true },
      answers: { 200: "Not in the call", 404: "No such room, or not joined", 412: WAITING },
    },
    async ({ actor, token, client }) => {
      await joining.leaveCall(actor, token, client);
      return { status: 200 };
    },
  );
}

/** One entry for each session in the call that joined the room through Talk. */
function peerBodies({ user, lastPing, sessions }: RoomPerson, token: string): z.infer<typeof peerSchema>[] {
  const calling = sessions.filter(({ callFlags }) => callFlags > 0);
  const shown = calling.length > 0 ? calling : [{ sessionId: NOT_JOINED, lastPing }];
  return shown.map((one) => ({
    userId: user?.handle ?? "",
    token,
    room: token,
    lastPing: seconds(one.lastPing),
    sessionId: one.sessionId,
  }));
}
