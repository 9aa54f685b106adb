/** Rooms in every state, with somebody of every standing in them, by the names that each face has for them. */
import { randomUUID } from "node:crypto";
import {
  ADMIN_TOKEN,
  type Answer,
  ask,
  bearer,
  bearerOf,
  type Caller,
  must,
  type Person,
  type Site,
} from "./site.ts";
import {
  isOneToOne,
  ROOM_STATES,
  type RoomState,
  roleIn,
  STANDING_NAMES,
  type StandingName,
} from "./standings.ts";

export interface Room {
  state: RoomState;
  /** Messenger's; 0 for one-to-one rooms. */
  id: number;
  token: string;
  uuid: string;
  publicId: string;
  /** Protocol's ids of a message by each of the users in the room. */
  messages: Partial<Record<StandingName, string>>;
  /** Protocol's id of a message by {@link Room.extra}. */
  extrasMessage: string;
  /** The Talk session of the guest who does not moderate; empty in one-to-one rooms. */
  guestSession: string;
  /** Who is done things to. */
  extra: Person;
  madeAt: number;
}

export const TALK_PREFIX = "/ocs/v2.php/apps/spreed/api/v1";

/** Headers that prove to Talk who calls. */
export function talkHeaders(caller: Pick<Caller, "bearer" | "cookie">): Record<string, string> {
  const { cookie } = caller;
  const needed = { Accept: "application/json", "OCS-APIRequest": "true" };
  return { ...needed, ...bearerOf(caller), ...(cookie !== null && { Cookie: cookie }) };
}

export async function talk(
  site: Site,
  caller: Caller,
  method: string,
  path: string,
  json?: unknown,
): Promise<Answer> {
  return await ask(site.url, method, TALK_PREFIX + path, {
    headers: talkHeaders(caller),
    ...(json !== undefined && { json }),
  });
}

/** The id of a group that has the newcomer alone in it. */
export async function newcomers({ url, newcomer }: Site): Promise<string> {
  const json = { name: "Newcomers", members: [newcomer.handle] };
  await must(url, "PUT", "/admin/v1/groups/newcomers", { headers: bearer(ADMIN_TOKEN), json });
  return "newcomers";
}

export async function newRoom(site: Site, state: RoomState): Promise<Room> {
  const room = await (isOneToOne(state) ? newOneToOne(site) : newPublicRoom(site));
  await arrival(site, { ...room, state });
  const messages = await sayAll(site, state, room.publicId);
  const extrasMessage = await say(site, room.extra, room.publicId, "I am here too");
  const { owner } = site.callers;
  const { readOnly, posting, lobby, blocked } = ROOM_STATES[state];
  if (posting !== "all") await owner.socket?.ask({ op: "room.set", room: room.token, posting });
  if (readOnly) await well(talk(site, owner, "PUT", `/room/${room.token}/read-only`, { state: 1 }));
  if (lobby) await well(talk(site, owner, "PUT", `/room/${room.token}/webinar/lobby`, { state: 1 }));
  if (blocked) await block(site, room.extra, owner);
  if (readOnly || posting !== "all" || lobby || blocked) await lookAnew(site, room.publicId);
  return { ...room, state, messages, extrasMessage, madeAt: Date.now() };
}

type Named = Pick<Room, "id" | "token" | "uuid" | "publicId" | "extra" | "guestSession">;

/** Made by Messenger, opened by Talk; who is not invited joins it as Talk's clients do. */
async function newPublicRoom(site: Site): Promise<Named> {
  const { callers, organization, extra, url } = site;
  const { owner, moderator, member } = callers;
  const made = await must(url, "POST", "/api/v1/chat/chatrooms", {
    headers: { "API-TOKEN": organization.token },
    json: {
      organizationID: organization.id,
      name: `Room ${randomUUID()}`,
      admins: [owner.person?.id],
      moderators: [moderator.person?.id],
      assignedUsers: [member.person?.id, extra.id],
    },
  });
  const { id, token } = made.json;
  await well(talk(site, owner, "POST", `/room/${token}/public`));
  await join(site, callers["self-joined"], token);
  const guestSession = await join(site, callers.guest, token);
  const sessionId = await join(site, callers["guest moderator"], token);
  await well(talk(site, owner, "POST", `/room/${token}/moderators`, { sessionId }));
  const names = await otherNames(site, owner, token, extra);
  await must(url, "PUT", `/conversations/${names.uuid}/access`, {
    headers: bearerOf(owner),
    json: { access: ["invite", "code"], access_role: "activated" },
  });
  return { id, token, extra, guestSession, ...names };
}

async function newOneToOne(site: Site): Promise<Named> {
  const { owner } = site.callers;
  const peer = await site.newPerson({ organizations: [{ id: site.organization.id, role: "member" }] });
  const made = await talk(site, owner, "POST", "/room", { roomType: 1, invite: peer.handle });
  await well(Promise.resolve(made));
  const { token } = made.json.ocs.data;
  return { id: 0, token, extra: peer, guestSession: "", ...(await otherNames(site, owner, token, peer)) };
}

/** On Protocol it is the room in which this was said, on Wire the one that these people are in. */
async function otherNames(site: Site, owner: Caller, token: string, extra: Person) {
  const headers = bearer(owner.bearer as string);
  const hello = `Hello ${randomUUID()}`;
  await well(talk(site, owner, "POST", `/chat/${token}`, { message: hello }));
  const newest = await must(site.url, "GET", "/v1/messages?limit=100", { headers });
  const said = newest.json.data.find(({ message }: { message: string }) => message === hello);
  return { publicId: said.conversation_id as string, uuid: await uuidOf(site, headers, extra) };
}

async function block({ url }: Site, { token }: Person, { person }: Caller): Promise<void> {
  const sent = { headers: bearer(token), json: { status: "blocked" } };
  await must(url, "PUT", `/connections/${person?.uuid}`, sent);
}

/** Rooms that are known already, by their UUIDs. */
const known = new WeakMap<Site, Set<string>>();

async function uuidOf(site: Site, headers: Record<string, string>, extra: Person): Promise<string> {
  const before = known.get(site) ?? new Set();
  known.set(site, before);
  const { json } = await must(site.url, "GET", "/conversations/ids", { headers });
  for (const uuid of json.conversations as string[]) {
    if (before.has(uuid)) continue;
    const { members } = (await must(site.url, "GET", `/conversations/${uuid}`, { headers })).json;
    before.add(uuid);
    if (members.others.some(({ id }: { id: string }) => id === extra.uuid)) return uuid;
  }
  throw new Error("Wire does not show the room");
}

/** @returns the session */
export async function join(site: Site, caller: Caller, token: string): Promise<string> {
  const answer = await well(talk(site, caller, "POST", `/room/${token}/participants/active`));
  const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
  if (cookie) caller.cookie = cookie;
  return answer.json.ocs.data.sessionId;
}

/** A session takes commands for a room once it was told of it. */
async function arrival(site: Site, { token, state }: Pick<Room, "token" | "state">): Promise<void> {
  for (const name of STANDING_NAMES) {
    const { socket } = site.callers[name];
    if (socket && roleIn(state, name) !== null)
      await socket.until(`a room for ${name}`, () => socket.log(token).length > 0);
  }
}

async function sayAll(site: Site, state: RoomState, conversation: string): Promise<Room["messages"]> {
  const messages: Room["messages"] = {};
  for (const name of STANDING_NAMES) {
    const { person } = site.callers[name];
    if (person && roleIn(state, name) !== null)
      messages[name] = await say(site, person, conversation, `I am the ${name}`);
  }
  return messages;
}

/**
 * For typing and read markers the server goes by what it knows of a member for up to five seconds. A send makes it
 * look anew.
 */
async function lookAnew({ url, callers }: Site, conversation_id: string): Promise<void> {
  const json = { conversation_id, message: "May I?" };
  for (const { person } of Object.values(callers))
    if (person) await ask(url, "POST", "/v1/messages", { headers: bearer(person.token), json });
}

/** @returns Protocol's id of the message */
async function say(
  { url }: Site,
  { token }: Person,
  conversation_id: string,
  message: string,
): Promise<string> {
  const headers = bearer(token);
  return (await must(url, "POST", "/v1/messages", { headers, json: { conversation_id, message } })).json.id;
}

async function well(answer: Promise<Answer>): Promise<Answer> {
  const { status, json } = await answer;
  if (status < 300) return await answer;
  throw new Error(`Talk answered ${status}: ${JSON.stringify(json)}`);
}
