/** What exists on the server before requests are made up, so that some of them name things that are there. */
import { admin, call, messenger } from "../black-box/provision.ts";

export interface Known {
  /** A personal access token of somebody who may do everything: an administrator, and owner of all rooms. */
  token: string;
  login: { handle: string; password: string };
  organization: number;
  team: string;
  rooms: RoomNames;
  /** What operations that delete are let loose on, so that the others find something. */
  doomed: RoomNames & { groups: string[]; events: number[]; messages: string[]; attachments: string[] };
  /** The others of the organization. */
  people: { ids: number[]; handles: string[]; uuids: string[]; publicIds: string[] };
  groups: string[];
  events: number[];
  /** Protocol's ids. */
  messages: string[];
  attachments: string[];
  /** What may be deleted without harm to the rest: for the admin API and `/cloud`. */
  disposable: {
    organizations: number[];
    users: number[];
    handles: string[];
    tokens: number[];
    webhooks: number[];
  };
}

/** By the names that each API has for them, in orders of their own. */
interface RoomNames {
  ids: number[];
  tokens: string[];
  uuids: string[];
  publicIds: string[];
}

interface Account {
  id: number;
  uuid: string;
  publicId: string;
  handle: string;
}

const ROOMS = 9;
const DOOMED = 3;
const DISPOSABLE = 6;

/** @param name keeps what several provisionings of one server make apart */
export async function provisionKnown(url: string, name: string): Promise<Known> {
  const { id: organization, uuid: team } = await newOrganization(url, name);
  const login = { handle: `ada-${name}`, password: "password of ada" };
  const ada = await newUser(url, { ...login, administrator: true }, { id: organization, role: "admin" });
  const people: Account[] = [];
  for (const person of ["ben", "cleo", "dan"])
    people.push(await newUser(url, { handle: `${person}-${name}` }, { id: organization, role: "member" }));
  const token = (await newToken(url, ada.id)).token;
  const auth = { authorization: `Bearer ${token}` };
  const rooms = await newRooms(url, token, organization, people);
  const messages = await newMessages(url, auth, rooms.publicIds);
  const attachments = await newAttachments(url, auth);
  const groups = await newGroups(url, name, people);
  const events = await newEvents(url, organization, people);
  for (const { handle } of people)
    await call(`${url}/v1/contacts`, "POST", auth, { username: handle, phone_number: "+49 30 1234567" });
  return {
    ...{ token, login, organization, team },
    rooms: mapped(rooms, kept),
    doomed: {
      ...mapped(rooms, doomed),
      ...{ groups: doomed(groups), events: doomed(events) },
      ...{ messages: doomed(messages), attachments: doomed(attachments) },
    },
    people: {
      ids: people.map(({ id }) => id),
      handles: people.map(({ handle }) => handle),
      uuids: people.map(({ uuid }) => uuid),
      publicIds: people.map(({ publicId }) => publicId),
    },
    ...{ groups: kept(groups), events: kept(events) },
    ...{ messages: kept(messages), attachments: kept(attachments) },
    disposable: await newDisposable(url, name),
  };
}

function kept<T>(list: T[]): T[] {
  return list.slice(0, -DOOMED);
}

function doomed<T>(list: T[]): T[] {
  return list.slice(-DOOMED);
}

function mapped({ ids, tokens, uuids, publicIds }: RoomNames, take: <T>(list: T[]) => T[]): RoomNames {
  return { ids: take(ids), tokens: take(tokens), uuids: take(uuids), publicIds: take(publicIds) };
}

async function newOrganization(url: string, name: string): Promise<{ id: number; uuid: string }> {
  return await admin(url, "POST", "organizations", { name });
}

async function newUser(
  url: string,
  user: { handle: string; password?: string; administrator?: boolean },
  organization?: { id: number; role: string },
): Promise<Account> {
  return await admin(url, "POST", "users", {
    ...user,
    ...(organization && { organizations: [organization] }),
  });
}

async function newToken(url: string, userId: number): Promise<{ id: number; token: string }> {
  return await admin(url, "POST", "tokens", { userId, name: "known" });
}

/** The user is in the last of them, as Talk's clients are. */
async function newRooms(
  url: string,
  token: string,
  organizationID: number,
  people: readonly Account[],
): Promise<RoomNames> {
  const auth = { authorization: `Bearer ${token}` };
  const made: { id: number; token: string }[] = [];
  for (let n = 1; n <= ROOMS; n++) {
    const assignedUsers = people.map(({ id }) => id);
    const wanted = { organizationID, name: `Known ${n}`, assignedUsers };
    const room = await messenger<{ id: number; token: string }>(url, token, "POST", "chatrooms", wanted);
    const path = `${url}/ocs/v2.php/apps/spreed/api/v1/room/${room.token}/participants/active`;
    await call(`${path}?format=json`, "POST", auth);
    made.push(room);
  }
  const ofWire = await call<{ conversations: string[] }>(`${url}/conversations/ids`, "GET", auth);
  const ofProtocol = await call<{ data: { id: string }[] }>(`${url}/v1/conversations`, "GET", auth);
  return {
    ids: made.map(({ id }) => id),
    tokens: made.map((room) => room.token),
    uuids: ofWire.conversations,
    publicIds: ofProtocol.data.map(({ id }) => id),
  };
}

/** @returns Protocol's ids */
async function newMessages(
  url: string,
  auth: Record<string, string>,
  conversations: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const conversation_id of conversations) {
    const message = { conversation_id, message: "Hello, everybody" };
    ids.push((await call<{ id: string }>(`${url}/v1/messages`, "POST", auth, message)).id);
  }
  return ids;
}

async function newGroups(url: string, name: string, people: readonly Account[]): Promise<string[]> {
  const groups = [1, 2, 3, 4, 5].map((n) => `group-${n}-${name}`);
  const members = people.map(({ handle }) => handle);
  for (const group of groups) await admin(url, "PUT", `groups/${group}`, { name: group, members });
  return groups;
}

async function newEvents(url: string, organization: number, people: readonly Account[]): Promise<number[]> {
  const events = [71, 72, 73, 74, 75];
  const acceptedUsers = people.map(({ id }) => id);
  for (const event of events)
    await admin(url, "PUT", `organizations/${organization}/events/${event}`, {
      ...{ name: `Event ${event}`, acceptedUsers },
    });
  return events;
}

async function newAttachments(url: string, headers: Record<string, string>): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 1; n <= DISPOSABLE; n++) {
    const body = new FormData();
    body.set("file", new File([`File ${n}`], `file-${n}.txt`, { type: "text/plain" }));
    const answer = await fetch(`${url}/v1/attachments`, { method: "POST", headers, body });
    if (answer.status !== 201) throw new Error(`an upload answered ${answer.status}: ${await answer.text()}`);
    ids.push(((await answer.json()) as { id: string }).id);
  }
  return ids;
}

async function newDisposable(url: string, name: string): Promise<Known["disposable"]> {
  const made: Known["disposable"] = { organizations: [], users: [], handles: [], tokens: [], webhooks: [] };
  for (let n = 1; n <= DISPOSABLE; n++) {
    const handle = `disposable-${name}-${n}`;
    const organization = await newOrganization(url, handle);
    const user = await newUser(url, { handle }, { id: organization.id, role: "member" });
    made.handles.push(handle);
    const webhook = { organizationId: organization.id, url: "https://hooks.example.org/chat" };
    made.organizations.push(organization.id);
    made.users.push(user.id);
    made.tokens.push((await newToken(url, user.id)).id);
    made.webhooks.push((await admin<{ id: number }>(url, "POST", "webhooks", webhook)).id);
  }
  return made;
}
