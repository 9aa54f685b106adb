/** What exists on the server before requests are made up, so that some of them name things that are there. */
import { admin, call, messenger } from "../black-box/provision.ts";

export interface Known {
  /** A personal access token of somebody who may do everything: an administrator, and owner of all rooms. */
  token: string;
  login: { handle: string; password: string };
  organization: number;
  team: string;
  /** The same rooms by the names that each API has for them. */
  rooms: { ids: number[]; tokens: string[]; uuids: string[]; publicIds: string[] };
  /** The others of the organization. */
  people: { ids: number[]; handles: string[]; uuids: string[]; publicIds: string[] };
  groups: string[];
  events: number[];
  /** Names of the same messages. */
  messages: { publicIds: string[]; talkIds: number[] };
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

interface Account {
  id: number;
  uuid: string;
  publicId: string;
  handle: string;
}

const ROOMS = 6;
const DISPOSABLE = 4;

/** @param name keeps what several provisionings of one server make apart */
export async function provisionKnown(url: string, name: string): Promise<Known> {
  const { id: organization, uuid: team } = await newOrganization(url, name);
  const login = { handle: `ada-${name}`, password: "password of ada" };
  const ada = await newUser(url, { ...login, administrator: true }, { id: organization, role: "admin" });
  const people: Account[] = [];
  for (const person of ["ben", "cleo", "dan"])
    people.push(await newUser(url, { handle: `${person}-${name}` }, { id: organization, role: "member" }));
  const token = (await newToken(url, ada.id)).token;
  const rooms = await newRooms(url, token, organization, people);
  const auth = { authorization: `Bearer ${token}` };
  const uuids = await call<{ conversations: string[] }>(`${url}/conversations/ids`, "GET", auth);
  const conversations = await call<{ data: { id: string }[] }>(`${url}/v1/conversations`, "GET", auth);
  const publicIds = conversations.data.map(({ id }) => id);
  const groups = [`crew-${name}`, `staff-${name}`];
  for (const group of groups)
    await admin(url, "PUT", `groups/${group}`, { name: group, members: people.map(({ handle }) => handle) });
  const events = [71, 72];
  for (const event of events)
    await admin(url, "PUT", `organizations/${organization}/events/${event}`, {
      name: `Event ${event}`,
      acceptedUsers: [people[0]?.id],
    });
  for (const { handle } of people)
    await call(`${url}/v1/contacts`, "POST", auth, { username: handle, phone_number: "+49 30 1234567" });
  return {
    ...{ token, login, organization, team, events, groups },
    rooms: { ...rooms, uuids: uuids.conversations, publicIds },
    people: {
      ids: people.map(({ id }) => id),
      handles: people.map(({ handle }) => handle),
      uuids: people.map(({ uuid }) => uuid),
      publicIds: people.map(({ publicId }) => publicId),
    },
    messages: {
      publicIds: await newMessages(url, auth, publicIds),
      talkIds: await newTalkMessages(url, auth, rooms.tokens),
    },
    attachments: await newAttachments(url, auth),
    disposable: await newDisposable(url, name),
  };
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

async function newRooms(
  url: string,
  token: string,
  organizationID: number,
  people: readonly Account[],
): Promise<{ ids: number[]; tokens: string[] }> {
  const rooms: { id: number; token: string }[] = [];
  for (let n = 1; n <= ROOMS; n++) {
    const assignedUsers = people.map(({ id }) => id);
    const room = { organizationID, name: `Known ${n}`, assignedUsers };
    rooms.push(await messenger(url, token, "POST", "chatrooms", room));
  }
  return { ids: rooms.map(({ id }) => id), tokens: rooms.map((room) => room.token) };
}

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

async function newTalkMessages(
  url: string,
  auth: Record<string, string>,
  tokens: readonly string[],
): Promise<number[]> {
  const ids: number[] = [];
  for (const token of tokens) {
    const path = `${url}/ocs/v2.php/apps/spreed/api/v1/chat/${token}?format=json`;
    const { ocs } = await call<{ ocs: { data: { id: number } } }>(path, "POST", auth, { message: "Hello" });
    ids.push(ocs.data.id);
  }
  return ids;
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
