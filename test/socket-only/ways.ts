/**
 * What users can do by the HTTP APIs, and how an app does it on the socket. A new operation of an HTTP API needs a row here:
 * coverage.test.ts finds none otherwise.
 */
import type { ClientOp, ServerFrame } from "../../src/protocol/frames.ts";
import type { DOORS } from "./recorder.ts";

/** A request of an app besides the socket. */
type DoorName = (typeof DOORS)[number]["name"];

/** Ops that an app says, frames that it gets (`← event`), and requests of its own ({@link DOORS}). */
export type Step = ClientOp | `← ${ServerFrame["op"]}` | DoorName;

/** The steps that do what an operation does, or the name of the reason why no user has it on the socket. */
export type Way = readonly Step[] | keyof typeof NOT_ON_THE_SOCKET;

/** Why an operation has no way on the socket. */
export const NOT_ON_THE_SOCKET = {
  administration: "An organization's administrators, or an operator, do it, not a user in a messenger",
  "the browser's sign-in": "A browser goes from page to page, and has no socket yet",
  "the API's own words": "It tells what the API's own words mean; the socket's are in PROTOCOL.md",
  "the API's own setting": "Only clients of that API look at it",
  guests: "Somebody without an account has no token for a hello",
} as const;

const MESSENGER: Record<string, Way> = {
  "GET /chatroom": ["← ready"],
  "GET /chatrooms": ["← ready", "rooms"],
  "POST /chatrooms": ["room.create"],
  "POST /chatrooms/default": "administration",
  "DELETE /chatrooms/default/{organizationID}": "administration",
  "GET /chatrooms/{roomID}": ["← ready", "← room", "members"],
  "DELETE /chatrooms/{roomID}": ["room.delete"],
  "PATCH /chatrooms/{roomID}": ["room.set"],
  "PUT /chatrooms/{roomID}": ["room.set"],
  "POST /chatrooms/{roomID}/claim": "administration",
  "POST /chatrooms/{roomID}/users": ["member.add", "member.role"],
  "GET /avatars/{avatarID}": ["GET /api/v1/chat/avatars"],
  "GET /user/credentials": ["matrix"],
  "POST /user/login": ["matrix"],
};

const PROTOCOL: Record<string, Way> = {
  "POST /v1/attachments": ["upload", "PUT /uploads"],
  "GET /v1/attachments": ["search"],
  "GET /v1/contacts": ["contacts"],
  "POST /v1/contacts": ["contact.set", "room.direct"],
  "GET /v1/contacts/{id}": ["contacts"],
  "PUT /v1/contacts/{id}": ["contact.set"],
  "DELETE /v1/contacts/{id}": ["contact.remove", "room.delete"],
  "GET /v1/conversations": ["← ready", "rooms"],
  "POST /v1/conversations": ["room.direct"],
  "GET /v1/conversations/{id}": ["← ready", "← room"],
  "PUT /v1/conversations/{id}": ["pin", "unpin", "settings"],
  "DELETE /v1/conversations/{id}": ["room.delete"],
  "GET /v1/messages": ["history"],
  "POST /v1/messages": ["send"],
  "GET /v1/messages/{id}": ["history"],
  "PUT /v1/messages/{id}": ["edit", "react", "unreact"],
  "DELETE /v1/messages/{id}": ["delete"],
  "GET /v1/groups": ["← ready", "rooms"],
  "POST /v1/groups": ["room.create"],
  "GET /v1/groups/{id}": ["← ready", "← room", "members"],
  "PUT /v1/groups/{id}": ["room.set", "member.add", "member.remove", "settings"],
  "DELETE /v1/groups/{id}": ["room.delete"],
  "GET /v1/attachments/{id}": ["history"],
  "PUT /v1/attachments/{id}": ["file.rename"],
  "DELETE /v1/attachments/{id}": ["edit"],
  "GET /v1/attachments/{id}/file": ["GET /files"],
};

const WIRE: Record<string, Way> = {
  "GET /login": "the browser's sign-in",
  "POST /login": ["POST /login"],
  "GET /login/oidc": "the browser's sign-in",
  "GET /login/oidc/callback": "the browser's sign-in",
  "GET /login/oidc/logout": "the browser's sign-in",
  "POST /login/oidc/backchannel-logout": "administration",
  "POST /login/oidc/token": "the browser's sign-in",
  "POST /access": ["POST /access"],
  "POST /access/logout": ["POST /access/logout"],
  "GET /await": ["← event"],
  "POST /conversations/code-check": ["room.preview"],
  "GET /self": ["← ready"],
  "PUT /self": ["profile"],
  "DELETE /self": ["account.delete"],
  "PUT /self/password": ["password"],
  "GET /self/identities": ["identities"],
  "POST /self/identities": ["identity.link"],
  "DELETE /self/identities/{id}": ["identity.unlink"],
  "GET /self/sessions": ["sessions"],
  "DELETE /self/sessions": ["session.end"],
  "DELETE /self/sessions/{id}": ["session.end"],
  "GET /conversations/join": ["room.preview"],
  "POST /conversations/join": ["room.join"],
  "POST /conversations/{cnv}/join": ["room.join"],
  "POST /conversations/{cnv}/code": ["room.link"],
  "GET /conversations/{cnv}/code": ["← ready", "← room"],
  "DELETE /conversations/{cnv}/code": ["room.link"],
  "GET /conversations/ids": ["← ready", "rooms"],
  "GET /conversations": ["← ready", "rooms"],
  "POST /conversations": ["room.create"],
  "POST /conversations/self": ["room.create"],
  "POST /conversations/one2one": ["room.direct"],
  "GET /conversations/{cnv}": ["← ready", "← room", "members"],
  "PUT /conversations/{cnv}": ["room.set"],
  "GET /conversations/{cnv}/roles": "the API's own words",
  "PUT /conversations/{cnv}/name": ["room.set"],
  "PUT /conversations/{cnv}/receipt-mode": "the API's own setting",
  "PUT /conversations/{cnv}/message-timer": ["room.set"],
  "PUT /conversations/{cnv}/access": ["room.set", "room.link"],
  "GET /conversations/{cnv}/self": ["← ready", "← room"],
  "PUT /conversations/{cnv}/self": ["settings"],
  "POST /conversations/{cnv}/typing": ["typing"],
  "POST /conversations/{cnv}/members": ["member.add"],
  "DELETE /conversations/{cnv}/members/{usr}": ["member.remove", "room.leave"],
  "PUT /conversations/{cnv}/members/{usr}": ["member.role"],
  "GET /teams": ["organizations"],
  "GET /teams/{tid}": ["organizations"],
  "GET /teams/{tid}/members": ["users"],
  "GET /teams/{tid}/conversations/roles": "the API's own words",
  "GET /teams/{tid}/conversations": ["← ready", "rooms"],
  "GET /teams/{tid}/conversations/{cnv}": ["← ready", "← room"],
  "DELETE /teams/{tid}/conversations/{cnv}": ["room.delete"],
  "GET /users": ["users"],
  "GET /users/{uid}": ["users"],
  "GET /connections": ["connections", "← connection"],
  "POST /connections": ["connection.ask"],
  "GET /connections/{to}": ["connections"],
  "PUT /connections/{to}": ["connection.set", "block", "unblock"],
  "GET /notifications": ["hello", "← event"],
  "GET /notifications/last": ["← ready"],
};

const ROOM = "/apps/spreed/api/v1/room";
const TALK: Record<string, Way> = {
  "GET /cloud/capabilities": "the API's own words",
  "GET /cloud/users": "administration",
  "POST /cloud/users": "administration",
  "GET /cloud/groups": "administration",
  "POST /cloud/groups": "administration",
  "GET /cloud/groups/{groupId}": "administration",
  "DELETE /cloud/groups/{groupId}": "administration",
  "GET /cloud/groups/{groupId}/users": "administration",
  "GET /cloud/users/{userId}": ["← ready"],
  "PUT /cloud/users/{userId}": "administration",
  "DELETE /cloud/users/{userId}": "administration",
  "POST /cloud/users/{userId}/groups": "administration",
  [`GET ${ROOM}`]: ["← ready", "rooms"],
  [`POST ${ROOM}`]: ["room.create", "room.direct"],
  [`GET ${ROOM}/{token}`]: ["← ready", "← room"],
  [`PUT ${ROOM}/{token}`]: ["room.set"],
  [`DELETE ${ROOM}/{token}`]: ["room.delete"],
  [`POST ${ROOM}/{token}/public`]: ["room.set"],
  [`DELETE ${ROOM}/{token}/public`]: ["room.set"],
  [`PUT ${ROOM}/{token}/read-only`]: ["room.set"],
  [`PUT ${ROOM}/{token}/password`]: ["room.set"],
  [`POST ${ROOM}/{token}/favorite`]: ["settings"],
  [`DELETE ${ROOM}/{token}/favorite`]: ["settings"],
  [`POST ${ROOM}/{token}/notify`]: ["settings"],
  [`GET ${ROOM}/{token}/participants`]: ["members"],
  [`POST ${ROOM}/{token}/participants`]: ["member.add"],
  [`DELETE ${ROOM}/{token}/participants`]: ["member.remove"],
  [`DELETE ${ROOM}/{token}/participants/self`]: ["room.leave"],
  [`DELETE ${ROOM}/{token}/participants/guests`]: ["member.remove"],
  [`POST ${ROOM}/{token}/participants/active`]: ["room.join", "open"],
  [`DELETE ${ROOM}/{token}/participants/active`]: ["close"],
  "POST /apps/spreed/api/v1/guest/{token}/name": "guests",
  [`POST ${ROOM}/{token}/moderators`]: ["member.role"],
  [`DELETE ${ROOM}/{token}/moderators`]: ["member.role"],
  [`PUT ${ROOM}/{token}/webinar/lobby`]: ["room.set"],
  [`PUT ${ROOM}/{token}/webinary/lobby`]: ["room.set"],
  "GET /apps/spreed/api/v1/call/{token}": ["open", "← call"],
  "POST /apps/spreed/api/v1/call/{token}": ["call.join", "call.flags"],
  "DELETE /apps/spreed/api/v1/call/{token}": ["call.leave"],
  "POST /apps/spreed/api/v1/chat/{token}": ["send"],
  "GET /apps/spreed/api/v1/chat/{token}": ["history", "← event"],
  "POST /apps/spreed/api/v1/chat/{token}/read": ["read"],
  "GET /apps/spreed/api/v1/chat/{token}/mentions": ["members"],
  "GET /apps/spreed/api/v1/signaling/settings": ["call.servers"],
  "POST /apps/spreed/api/v1/signaling/{token}": ["call.signal"],
  "GET /apps/spreed/api/v1/signaling/{token}": ["← signal", "← call", "← presence"],
};

/** By API, and by operation as its document names it. The admin API is for operators. */
export const WAYS: Record<string, Record<string, Way>> = {
  messenger: MESSENGER,
  protocol: PROTOCOL,
  wire: WIRE,
  talk: TALK,
};

/** Halves of operations that have a way: what else they do has none, for this reason. */
export const PARTS_WITHOUT_A_WAY: Record<string, keyof typeof NOT_ON_THE_SOCKET> = {
  "PATCH /chatrooms/{roomID}": "administration",
};
