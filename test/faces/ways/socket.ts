/** The operations on rooms as the WebSocket has them. */
import { randomUUID } from "node:crypto";
import { Refused, SocketClient } from "../../black-box/socket-client.ts";
import { type FaceWays, type Way, WELL } from "../authorization/operations.ts";
import type { Room } from "../rooms.ts";

function socketWay(request: string, frame: (room: Room) => { op: string } & Record<string, unknown>): Way {
  return {
    request,
    async attempt({ socket }, room) {
      // Without a user's token there is no session to say anything in; hello is tested by itself.
      if (!socket) return "unauthorized";
      try {
        await socket.ask({ room: room.token, ...frame(room) });
        return WELL;
      } catch (error) {
        if (error instanceof Refused) return error.code;
        throw error;
      }
    },
  };
}

/** A new session is told its rooms. */
const ready: Way = {
  request: "hello",
  async attempt({ person }, { token }, { url }) {
    if (!person) return "unauthorized";
    const socket = new SocketClient("looks", person.token, "json");
    const { rooms } = await socket.connect(url);
    await socket.drop();
    return rooms.some(({ room }) => room === token) ? WELL : "not_found";
  },
};

export const SOCKET: FaceWays = {
  name: "WebSocket",
  guests: false,
  says: {
    bad_request: "bad_request",
    unauthorized: "unauthorized",
    forbidden: "forbidden",
    not_found: "not_found",
    read_only: "read_only",
    lobby: "lobby",
  },
  ways: {
    "see the room": ready,
    "see who types and looks": socketWay("open", () => ({ op: "open" })),
    "read messages": socketWay("history", () => ({ op: "history" })),
    "move one's read marker": socketWay("read", () => ({ op: "read", seq: 1 })),
    "send a message": socketWay("send", () => ({ op: "send", id: randomUUID(), text: "Hello" })),
    type: socketWay("typing", () => ({ op: "typing", on: false })),
    "join the call": socketWay("call.join", () => ({ op: "call.join", flags: 1 })),
  },
};
