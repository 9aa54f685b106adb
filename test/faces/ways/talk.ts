/** The operations on rooms as Talk has them. */
import { randomUUID } from "node:crypto";
import type { FaceWays, Way } from "../authorization/operations.ts";
import { join, newcomers, TALK_PREFIX, talkHeaders } from "../rooms.ts";
import { roleIn } from "../standings.ts";
import { httpWays, refusedStatus } from "./http-way.ts";

const talkWay = httpWays({
  prefix: TALK_PREFIX,
  headers: talkHeaders,
  // 304: there is nothing to read.
  refusal: (answer) => (answer.status === 304 ? null : refusedStatus(answer)),
});

/** Calls are for those who joined the room. */
function inTheRoom(way: Way): Way {
  return {
    ...way,
    async attempt(caller, room, site) {
      if (roleIn(room.state, caller.standing) !== null) await join(site, caller, room.token);
      return await way.attempt(caller, room, site);
    },
  };
}

const USERS_ONLY = { usersOnly: true } as const;

export const TALK: FaceWays = {
  name: "Talk",
  guests: true,
  says: {
    bad_request: "400",
    unauthorized: "401",
    forbidden: "403",
    not_found: "404",
    read_only: "403",
    lobby: "412",
  },
  ways: {
    "see the room": talkWay("GET", "/room/{token}", ({ token }) => `/room/${token}`, {
      everybody: {
        in: ["open", "locked", "announcing", "lobby"],
        because: "whoever has the token finds a public room",
      },
    }),
    "read messages": talkWay("GET", "/chat/{token}", ({ token }) => `/chat/${token}?lookIntoFuture=0`),
    "move one's read marker": talkWay(
      "POST",
      "/chat/{token}/read",
      ({ token }) => [`/chat/${token}/read`, { lastReadMessage: 0 }],
      USERS_ONLY,
    ),
    "send a message": talkWay("POST", "/chat/{token}", ({ token }) => [`/chat/${token}`, { message: "Hi" }]),
    "look up whom to mention": talkWay("GET", "/chat/{token}/mentions", ({ token }) => {
      return `/chat/${token}/mentions?search=a`;
    }),
    "join the call": inTheRoom(talkWay("POST", "/call/{token}", ({ token }) => `/call/${token}`)),
    "see who is in the call": talkWay("GET", "/call/{token}", ({ token }) => `/call/${token}`),
    "keep settings of one's own": talkWay(
      "POST",
      "/room/{token}/favorite",
      ({ token }) => `/room/${token}/favorite`,
      USERS_ONLY,
    ),
    "list the members": talkWay("GET", "/room/{token}/participants", ({ token }) => {
      return `/room/${token}/participants`;
    }),
    rename: talkWay("PUT", "/room/{token}", ({ token }) => [
      `/room/${token}`,
      { roomName: `Talk ${randomUUID()}` },
    ]),
    "make private": talkWay(
      "DELETE",
      "/room/{token}/public",
      ({ token }) => `/room/${token}/public`,
      USERS_ONLY,
    ),
    "set the password": talkWay("PUT", "/room/{token}/password", ({ token }) => [
      `/room/${token}/password`,
      { password: "" },
    ]),
    "lock or unlock": talkWay(
      "PUT",
      "/room/{token}/read-only",
      ({ token, state }) => [`/room/${token}/read-only`, { state: state === "locked" ? 0 : 1 }],
      USERS_ONLY,
    ),
    "open or close the lobby": talkWay(
      "PUT",
      "/room/{token}/webinar/lobby",
      ({ token, state }) => [`/room/${token}/webinar/lobby`, { state: state === "lobby" ? 0 : 1 }],
      USERS_ONLY,
    ),
    "add a member": talkWay(
      "POST",
      "/room/{token}/participants",
      ({ token }, _, { newcomer }) => [`/room/${token}/participants`, { newParticipant: newcomer.handle }],
      USERS_ONLY,
    ),
    "add a group of users": talkWay(
      "POST",
      "/room/{token}/participants",
      async ({ token }, _, site) => [
        `/room/${token}/participants`,
        { newParticipant: await newcomers(site), source: "groups" },
      ],
      USERS_ONLY,
    ),
    "invite an e-mail address": talkWay(
      "POST",
      "/room/{token}/participants",
      ({ token }) => [
        `/room/${token}/participants`,
        { newParticipant: "somebody@example.org", source: "emails" },
      ],
      USERS_ONLY,
    ),
    "remove a member": talkWay("DELETE", "/room/{token}/participants", ({ token, extra }) => [
      `/room/${token}/participants`,
      { participant: extra.handle },
    ]),
    "remove a guest": talkWay(
      "DELETE",
      "/room/{token}/participants/guests",
      async ({ token, guestSession }) => [
        `/room/${token}/participants/guests`,
        { participant: guestSession },
      ],
    ),
    "make somebody a moderator": talkWay("POST", "/room/{token}/moderators", ({ token, extra }) => [
      `/room/${token}/moderators`,
      { participant: extra.handle },
    ]),
    "leave for good": talkWay(
      "DELETE",
      "/room/{token}/participants/self",
      ({ token }) => `/room/${token}/participants/self`,
      USERS_ONLY,
    ),
    "delete the room": talkWay("DELETE", "/room/{token}", ({ token }) => `/room/${token}`),
  },
};
