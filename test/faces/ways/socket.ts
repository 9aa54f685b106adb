/** The operations on rooms as the WebSocket has them. */
import { randomUUID } from "node:crypto";
import { guestIdOf } from "../../../src/domain/auth/sessions.ts";
import { protocolMessagePlace } from "../../../src/domain/ids.ts";
import { Refused, SocketClient } from "../../black-box/socket-client.ts";
import { type FaceWays, type Way, WELL } from "../authorization/operations.ts";
import { newcomers, type Room } from "../rooms.ts";
import type { Caller, Site } from "../site.ts";

type Frame = { op: string } & Record<string, unknown>;

function socketWay(
  request: string,
  frame: (room: Room, caller: Caller, site: Site) => Frame | Promise<Frame>,
  more: Partial<Way> = {},
): Way {
  return {
    request,
    ...more,
    async attempt(caller, room, site) {
      const { socket } = caller;
      // Without a user's token there is no session to say anything in; hello is tested by itself.
      if (!socket) return "unauthorized";
      try {
        await socket.ask({ room: room.token, ...(await frame(room, caller, site)) });
        return WELL;
      } catch (error) {
        if (error instanceof Refused) return error.code;
        throw error;
      }
    },
  };
}

function roomSet(field: string, value: (room: Room) => unknown, more: Partial<Way> = {}): Way {
  return socketWay(`room.set ${field}`, (room) => ({ op: "room.set", [field]: value(room) }), more);
}

function seqOf(message: string | undefined): number {
  return protocolMessagePlace(message ?? "")?.seq ?? 0;
}

/** A message of the caller; of the owner for those who have none in the room. */
function ownSeq({ messages }: Room, { standing }: Caller): number {
  return seqOf(messages[standing] ?? messages.owner);
}

/** A message in a room of the caller's own, the same at each call. */
async function ownMessage({ socket }: Caller): Promise<{ room: string; seq: number }> {
  if (!socket) throw new Error("Only who has a session gets here");
  const made = await socket.ask({ op: "room.create", id: "own", type: "group", name: "Own" });
  const { room } = made.room as { room: string };
  const { seq } = await socket.ask({ op: "send", room, id: "own", text: "Mine" });
  return { room, seq: seq as number };
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
    "search the room": socketWay("search", () => ({ op: "search", text: "Hello" })),
    "move one's read marker": socketWay("read", () => ({ op: "read", seq: 1 })),
    "say what was delivered": socketWay("delivered", ({ token }) => ({
      op: "delivered",
      room: undefined,
      rooms: { [token]: 1 },
    })),
    "see who has read a message": socketWay("receipts", ({ messages }) => ({
      op: "receipts",
      seq: seqOf(messages.owner),
    })),
    "send a message": socketWay("send", () => ({ op: "send", id: randomUUID(), text: "Hello" })),
    "send a message on, from here": socketWay("send {forward}", async ({ token, messages }, caller) => ({
      ...{ op: "send", room: (await ownMessage(caller)).room, id: randomUUID() },
      forward: { room: token, seq: seqOf(messages.owner) },
    })),
    "send a message on, to here": socketWay("send {forward}", async (_, caller) => ({
      ...{ op: "send", id: randomUUID(), forward: await ownMessage(caller) },
    })),
    "announce a file for it": socketWay("upload", () => ({
      ...{ op: "upload", filename: "a.txt", type: "text/plain", size: 1 },
    })),
    type: socketWay("typing", () => ({ op: "typing", on: false })),
    "react to a message": socketWay("react", ({ messages }) => ({
      op: "react",
      seq: seqOf(messages.owner),
      name: "smile",
    })),
    "edit one's message": socketWay("edit", (room, caller) => ({
      op: "edit",
      seq: ownSeq(room, caller),
      text: randomUUID(),
    })),
    "delete one's message": socketWay(
      "delete",
      (room, caller) => ({ op: "delete", seq: ownSeq(room, caller) }),
      { first: ["read"] },
    ),
    "delete another's message": socketWay(
      "delete",
      ({ extrasMessage }) => ({ op: "delete", seq: seqOf(extrasMessage) }),
      { first: ["read"] },
    ),
    "hide a message for oneself": socketWay("delete", ({ extrasMessage }) => ({
      ...{ op: "delete", forMe: true, seq: seqOf(extrasMessage) },
    })),
    "pin a message": socketWay("pin", ({ messages }) => ({ op: "pin", seq: seqOf(messages.owner) }), {
      first: ["read"],
    }),
    rename: roomSet("name", () => `Socket ${randomUUID()}`),
    describe: roomSet("description", () => randomUUID()),
    "set the picture": roomSet("avatar", () => null),
    "make private": roomSet("type", () => "group"),
    "set the password": roomSet("password", () => null, { inOneToOne: "bad_request" }),
    "lock or unlock": roomSet("readOnly", ({ state }) => state !== "locked"),
    "say who writes": roomSet("posting", ({ state }) => (state === "announcing" ? "all" : "moderators")),
    "open or close the lobby": roomSet("lobby", ({ state }) => state !== "lobby"),
    "set the message timer": roomSet("messageTimer", () => 60_000),
    "make a guest link": socketWay("room.link", () => ({ op: "room.link", on: true })),
    "list the members": socketWay("members", () => ({ op: "members" })),
    "add a member": socketWay("member.add", (_, __, { newcomer }) => ({
      op: "member.add",
      users: [String(newcomer.id)],
    })),
    "add a group of users": socketWay("member.add {group}", async (_, __, site) => ({
      op: "member.add",
      group: await newcomers(site),
    })),
    "invite an e-mail address": socketWay("member.add {email}", () => ({
      op: "member.add",
      email: "somebody@example.org",
    })),
    "remove a member": socketWay("member.remove", ({ extra }) => ({
      op: "member.remove",
      user: String(extra.id),
    })),
    "remove a guest": socketWay("member.remove", ({ guestSession }) => ({
      op: "member.remove",
      user: guestIdOf(guestSession),
    })),
    "make somebody a moderator": socketWay("member.role", ({ extra }) => ({
      op: "member.role",
      ...{ user: String(extra.id), role: "moderator" },
    })),
    "leave for good": socketWay("room.leave", () => ({ op: "room.leave" })),
    "delete the room": socketWay("room.delete", () => ({ op: "room.delete" })),
    "delete a one-to-one room for both": socketWay("room.delete {forBoth}", () => ({
      op: "room.delete",
      forBoth: true,
    })),
    "keep settings of one's own": socketWay("settings", () => ({ op: "settings", favorite: true })),
    "join the call": socketWay("call.join", () => ({ op: "call.join", flags: 1 })),
    "say something to a session in the call": socketWay("call.signal", async ({ token }, { socket }) => {
      // Who may not join is refused the same here.
      await socket?.ask({ op: "call.join", room: token, flags: 1 }).catch(() => {});
      return { op: "call.signal", to: socket?.ready?.session, data: {} };
    }),
  },
};
