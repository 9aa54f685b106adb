/** The operations on rooms as Protocol has them. */
import { randomUUID } from "node:crypto";
import type { FaceWays, Way } from "../authorization/operations.ts";
import type { Room } from "../rooms.ts";
import { bearerOf, type Caller, type Site } from "../site.ts";
import { httpWays, refusedStatus } from "./http-way.ts";

const protocolWay = httpWays({ prefix: "", headers: bearerOf, refusal: refusedStatus });

/** A one-to-one room is no group. */
const OF_GROUPS = { inOneToOne: "not_found" } as const;

function groupChange(change: (room: Room, site: Site) => object): Way {
  return protocolWay(
    "PUT",
    "/v1/groups/{id}",
    (room, _, site) => [`/v1/groups/${room.publicId}`, change(room, site)],
    OF_GROUPS,
  );
}

/** Everybody with an account in a room that is no one-to-one room. */
function contactsOf({ extra }: Room, { callers }: Site): string[] {
  const people = ["self-joined", "member", "moderator", "owner"] as const;
  return [...people.map((name) => callers[name].person?.publicId ?? ""), extra.publicId];
}

/** A message of the caller; of the owner for those who have none in the room. */
const ownMessage = ({ messages }: Room, { standing }: Caller) => messages[standing] ?? messages.owner;

export const PROTOCOL: FaceWays = {
  name: "Protocol",
  guests: false,
  says: {
    bad_request: "400",
    unauthorized: "401",
    forbidden: "403",
    not_found: "404",
    read_only: "403",
    lobby: "403",
  },
  ways: {
    "see the room": protocolWay("GET", "/v1/conversations/{id}", ({ publicId }) => {
      return `/v1/conversations/${publicId}`;
    }),
    "read messages": protocolWay("GET", "/v1/messages?conversation_id=…", ({ publicId }) => {
      return `/v1/messages?conversation_id=${publicId}`;
    }),
    "send a message": protocolWay("POST", "/v1/messages", ({ publicId }) => [
      "/v1/messages",
      { conversation_id: publicId, message: "Hello" },
    ]),
    "react to a message": protocolWay(
      "PUT",
      "/v1/messages/{id}",
      ({ messages }, { person }) => [
        `/v1/messages/${messages.owner}`,
        { reactions: { smile: [person?.handle ?? "nobody"] } },
      ],
      { first: ["read"] },
    ),
    "edit one's message": protocolWay(
      "PUT",
      "/v1/messages/{id}",
      (room, caller) => [`/v1/messages/${ownMessage(room, caller)}`, { message: randomUUID() }],
      { first: ["read"] },
    ),
    "delete one's message": protocolWay(
      "DELETE",
      "/v1/messages/{id}",
      (room, caller) => `/v1/messages/${ownMessage(room, caller)}`,
      { first: ["read"] },
    ),
    "delete another's message": protocolWay(
      "DELETE",
      "/v1/messages/{id}",
      ({ extrasMessage }) => `/v1/messages/${extrasMessage}`,
      { first: ["read"] },
    ),
    "pin a message": protocolWay("PUT", "/v1/conversations/{id}", ({ publicId, messages }) => [
      `/v1/conversations/${publicId}`,
      { pinned_message_id: messages.owner },
    ]),
    "keep settings of one's own": protocolWay("PUT", "/v1/conversations/{id}", ({ publicId }) => [
      `/v1/conversations/${publicId}`,
      { is_muted: true },
    ]),
    rename: groupChange(() => ({ name: `Protocol ${randomUUID()}` })),
    describe: groupChange(() => ({ description: randomUUID() })),
    "set the picture": groupChange(() => ({ avatar_url: `https://example.org/${randomUUID()}.png` })),
    "add a member": groupChange((room, site) => ({
      contacts: [...contactsOf(room, site), site.newcomer.publicId],
    })),
    "remove a member": groupChange((room, site) => ({
      contacts: contactsOf(room, site).filter((id) => id !== room.extra.publicId),
    })),
    "delete the room": protocolWay(
      "DELETE",
      "/v1/conversations/{id}",
      ({ publicId }) => `/v1/conversations/${publicId}`,
      { inOneToOne: ["delete_one_to_one"] },
    ),
  },
};
