/** Everything that a person can do on each face and that live sessions hear of, with all that they hear. */
import {
  active,
  admin,
  answers,
  automate,
  call,
  calls,
  connects,
  FLAGS,
  getsToken,
  inEventRoom,
  isAnswered,
  joinsByThemselves,
  knowsStranger,
  ofUser,
  opens,
  owners,
  type Scene,
  type Step,
  say,
  self,
  signals,
  strangers,
  talk,
  talkCalls,
  talkJoins,
  tokens,
  types,
  typing,
  user,
} from "./announcing-steps.ts";
import { TALK_PREFIX, talkHeaders } from "./rooms.ts";
import { bearerOf, must } from "./site.ts";

/** On the actor's own channel, or for those who wait for signaling messages in the room. */
export type Notice =
  | ("unread" | "hidden" | "contact" | "signal" | "entry" | "settings")
  | ("connection" | "changed" | "signaling");

export interface Announcement {
  face: string;
  what: string;
  before: Step[];
  act: Step;
  /** The frames at somebody who has the room open, by their ops; fields that tell them apart follow. */
  shown: object[];
  noticed: Notice[];
  /** What the `unread` frame holds beside the room; unset: the marker that moved to the unread message. */
  unread?: (scene: Scene) => object;
}

const favourite = ({ room }: Scene) => `/room/${room.token}/favorite`;
const COMES = { op: "presence" };
const GOES = { op: "presence", gone: true };
const STARTS = { op: "typing", on: true };
const STOPS = { op: "typing", on: false };
const IN_CALL = { op: "call", flags: FLAGS };
const NO_CALL = { op: "call", flags: 0 };
const RECEIPT = { op: "receipt" };
const RENAMED = { op: "user" };

function row(
  face: string,
  what: string,
  before: Step[],
  act: Step,
  shown: object[],
  noticed: Notice[] = [],
  more: Pick<Announcement, "unread"> = {},
): Announcement {
  return { face, what, before, act, shown, noticed, ...more };
}

export const ANNOUNCEMENTS: Announcement[] = [
  row("WebSocket", "read", [], (scene) => say("read", { seq: scene.unread })(scene), [RECEIPT], ["unread"]),
  row("WebSocket", "mark as unread", [], say("read", { unread: true }), [], ["unread"], {
    unread: () => ({ unreadMark: true }),
  }),
  row(
    "WebSocket",
    "read a thread",
    [isAnswered],
    (scene) => say("read", { thread: scene.unread, seq: answers.get(scene) })(scene),
    [],
    ["unread"],
    {
      unread: (scene) => ({ thread: { seq: scene.unread, read: answers.get(scene), unread: 0 } }),
    },
  ),
  row(
    "WebSocket",
    "say what was delivered",
    [],
    ({ socket, room, unread }) => socket.ask({ op: "delivered", rooms: { [room.token]: unread } }),
    [RECEIPT],
  ),
  row("WebSocket", "start typing", [], types, [STARTS]),
  row("WebSocket", "stop typing", [types], say("typing", { on: false }), [STOPS]),
  row(
    "WebSocket",
    "hide a message for oneself",
    [(scene) => say("read", { seq: scene.unread })(scene)],
    (scene) => say("delete", { seq: scene.unread, forMe: true })(scene),
    [],
    ["hidden", "entry"],
  ),
  row("WebSocket", "mute", [], say("settings", { muted: true }), [], ["entry", "settings"]),
  row("WebSocket", "add to favourites", [], say("settings", { favorite: true }), [], ["entry"]),
  row("WebSocket", "open the room", [], opens, [COMES]),
  row("WebSocket", "close the room", [opens], say("close"), [GOES]),
  row("WebSocket", "ping", [], ({ socket, room }) => socket.ask({ op: "ping", rooms: [room.token] }), [
    COMES,
  ]),
  row("WebSocket", "join the call", [], calls, [IN_CALL]),
  row("WebSocket", "change flags", [calls], say("call.flags", { flags: 1 }), [{ op: "call", flags: 1 }]),
  row("WebSocket", "leave the call", [calls], say("call.leave"), [NO_CALL]),
  row(
    "WebSocket",
    "say something to a session in the call",
    [calls],
    (scene) => say("call.signal", { to: scene.socket.ready?.session, data: {} })(scene),
    [],
    ["signal"],
  ),
  row(
    "WebSocket",
    "take somebody out",
    [opens, types, calls],
    async ({ site, room, actor }) => {
      const { socket } = site.callers.owner;
      await socket?.ask({ op: "member.remove", room: room.token, user: String(actor.id) });
    },
    [STOPS, GOES, NO_CALL],
  ),
  // Who goes on is told of a running call in the same moment [GW-12.2]; so nobody is in one here.
  row(
    "WebSocket",
    "close the lobby before somebody",
    [opens, types],
    owners("room.set", { lobby: true }),
    [],
  ),
  row(
    "WebSocket",
    "make a room private that somebody found by themselves",
    [joinsByThemselves, opens, types, calls],
    owners("room.set", { type: "group" }),
    [STOPS, GOES, NO_CALL],
  ),
  row("WebSocket", "leave the room for good", [opens, types, calls], say("room.leave"), [
    STOPS,
    GOES,
    NO_CALL,
  ]),
  row(
    "WebSocket",
    "change the profile",
    [],
    ({ socket }) => socket.ask({ op: "profile", name: "Renamed" }),
    [RENAMED],
    ["changed"],
  ),
  row(
    "WebSocket",
    "tell nobody when one was last seen",
    [],
    ({ socket }) => socket.ask({ op: "profile", privacy: { lastSeen: "nobody" } }),
    [],
  ),
  row(
    "WebSocket",
    "block somebody",
    [],
    ({ socket, site }) => socket.ask({ op: "block", user: String(site.callers.owner.person?.id) }),
    [],
    ["connection"],
  ),
  row(
    "WebSocket",
    "ask for a connection",
    [knowsStranger],
    (scene) => scene.socket.ask({ op: "connection.ask", user: strangers.get(scene)?.uuid }),
    [],
    ["connection"],
  ),
  row(
    "WebSocket",
    "put somebody into the contact book",
    [],
    ({ socket, site }) => socket.ask({ op: "contact.set", user: String(site.callers.owner.person?.id) }),
    [],
    ["contact"],
  ),
  row("WebSocket", "end the session", [opens, types], ({ socket }) => socket.drop(), [STOPS, GOES]),

  row(
    "Talk",
    "read",
    [],
    talk(
      "POST",
      ({ room }) => `/chat/${room.token}/read`,
      ({ unread }) => ({ lastReadMessage: unread }),
    ),
    [RECEIPT],
    ["unread"],
  ),
  row(
    "Talk",
    "read by asking for what comes",
    [],
    talk(
      "GET",
      ({ room, unread }) =>
        `/chat/${room.token}?lookIntoFuture=1&timeout=0&lastKnownMessageId=${unread}&setReadMarker=1`,
    ),
    [RECEIPT],
    ["unread"],
  ),
  row("Talk", "add to favourites", [], talk("POST", favourite), [], ["entry"]),
  row("Talk", "join the room", [], talkJoins, [COMES], ["signaling"]),
  row("Talk", "leave the room", [talkJoins], talk("DELETE", active), [GOES], ["signaling"]),
  row("Talk", "join the call", [talkJoins], talkCalls, [IN_CALL]),
  row(
    "Talk",
    "change flags",
    [talkJoins, talkCalls],
    talk("POST", call, () => ({ flags: 1 })),
    [{ op: "call", flags: 1 }],
  ),
  row("Talk", "leave the call", [talkJoins, talkCalls], talk("DELETE", call), [NO_CALL]),
  row(
    "Talk",
    "leave the room with the call",
    [talkJoins, talkCalls],
    talk("DELETE", active),
    [NO_CALL, GOES],
    ["signaling"],
  ),
  row("Talk", "join anew and send a signaling message", [talkJoins], signals, [], ["signaling", "signaling"]),
  row(
    "Talk",
    "take somebody out",
    [opens, types, calls],
    async ({ site, room, actor }) => {
      const headers = talkHeaders(site.callers.owner);
      const json = { participant: actor.handle };
      await must(site.url, "DELETE", `${TALK_PREFIX}/room/${room.token}/participants`, { headers, json });
    },
    [STOPS, GOES, NO_CALL],
  ),
  row(
    "Talk",
    "rename a user",
    [],
    async ({ site, actor }) => {
      const headers = talkHeaders(site.callers.administrator);
      const json = { key: "displayname", value: "Renamed" };
      await must(site.url, "PUT", `/ocs/v2.php/cloud/users/${actor.handle}`, { headers, json });
    },
    [RENAMED],
    ["changed"],
  ),

  row(
    "Wire",
    "start typing",
    [],
    user("POST", typing, () => ({ status: "started" })),
    [STARTS],
  ),
  row(
    "Wire",
    "stop typing",
    [user("POST", typing, () => ({ status: "started" }))],
    user("POST", typing, () => ({ status: "stopped" })),
    [STOPS],
  ),
  row(
    "Wire",
    "archive",
    [],
    user("PUT", self, () => ({ otr_archived: true, otr_archived_ref: "now" })),
    [],
    ["entry", "settings"],
  ),
  row(
    "Wire",
    "take somebody out",
    [opens, types, calls],
    async ({ site, room, actor }) => {
      const path = `/conversations/${room.uuid}/members/${actor.uuid}`;
      await must(site.url, "DELETE", path, { headers: bearerOf(site.callers.owner) });
    },
    [STOPS, GOES, NO_CALL],
  ),
  row("Wire", "ask for a connection", [knowsStranger], connects, [], ["connection"]),
  row(
    "Wire",
    "cancel a connection",
    [knowsStranger, connects],
    user(
      "PUT",
      (scene) => `/connections/${strangers.get(scene)?.uuid}`,
      () => ({ status: "cancelled" }),
    ),
    [],
    ["connection"],
  ),

  row(
    "Protocol",
    "put somebody into the contact book",
    [],
    user(
      "POST",
      () => "/v1/contacts",
      ({ site }) => ({ username: site.callers.owner.person?.handle, phone_number: "" }),
    ),
    [],
    ["contact"],
  ),
  row(
    "Protocol",
    "mute",
    [],
    user(
      "PUT",
      ({ room }) => `/v1/conversations/${room.publicId}`,
      () => ({ is_muted: true }),
    ),
    [],
    ["entry", "settings"],
  ),
  row(
    "Protocol",
    "archive",
    [],
    user(
      "PUT",
      ({ room }) => `/v1/groups/${room.publicId}`,
      () => ({ archived_at: 1_700_000_000 }),
    ),
    [],
    ["entry", "settings"],
  ),

  row(
    "Protocol",
    "take somebody out",
    [opens, types, calls],
    async ({ site, room }) => {
      const { owner, moderator } = site.callers;
      const json = { contacts: [moderator.person?.publicId] };
      await must(site.url, "PUT", `/v1/groups/${room.publicId}`, { headers: bearerOf(owner), json });
    },
    [STOPS, GOES, NO_CALL],
  ),

  row(
    "Messenger",
    "turn on the automation of a room whose event the actor left",
    [inEventRoom, opens, types, calls],
    (scene) => automate(scene, true),
    [STOPS, GOES, NO_CALL],
  ),

  row(
    "admin",
    "rename a user",
    [],
    admin("PATCH", ofUser, { displayName: "Renamed" }),
    [RENAMED],
    ["changed"],
  ),
  row("admin", "set a password", [], admin("PATCH", ofUser, { password: "a new one" }), [], ["changed"]),
  row(
    "admin",
    "end logins",
    [],
    admin("DELETE", (scene) => `${ofUser(scene)}/logins`),
    [],
    ["changed"],
  ),
  row(
    "admin",
    "end a token",
    [getsToken],
    admin("DELETE", (scene) => `tokens/${tokens.get(scene)}`),
    [],
    ["changed"],
  ),
  row(
    "admin",
    "delete a user",
    [opens, types, calls],
    admin("DELETE", ofUser),
    [STOPS, GOES, NO_CALL],
    ["changed"],
  ),
];
