/** Organizations, people, tokens and rooms for a test, made through the admin API and the Messenger API. */
import { setTimeout as delay } from "node:timers/promises";
import { ADMIN_TOKEN } from "./server-process.ts";

export interface Person {
  id: number;
  handle: string;
  name: string;
  /** A personal access token. */
  token: string;
}
export interface Room {
  /** Messenger's integer id. */
  id: number;
  /** The room's name on the WebSocket. */
  token: string;
  name: string;
}
export interface Site {
  organizationId: number;
  people: Person[];
  rooms: Room[];
}

/** Calls an HTTP API with JSON and insists on an answer in the 200s. */
export async function call<T>(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

export function admin<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  return call(`${url}/admin/v1/${path}`, method, { authorization: `Bearer ${ADMIN_TOKEN}` }, body);
}

export function messenger<T>(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  return call(`${url}/api/v1/chat/${path}`, method, { "Personal-Access-Token": token }, body);
}

/** An organization whose first person made `rooms` rooms that everybody is in. */
export async function provision(url: string, handles: readonly string[], rooms: number): Promise<Site> {
  const organization = await admin<{ id: number }>(url, "POST", "organizations", {
    name: `Org of ${handles.join(", ")}`,
  });
  const people: Person[] = [];
  for (const handle of handles) people.push(await addPerson(url, organization.id, handle));
  const site: Site = { organizationId: organization.id, people, rooms: [] };
  for (let n = 1; n <= rooms; n++) site.rooms.push(await addRoom(url, site, `Room ${n}`));
  return site;
}

async function addPerson(url: string, organizationId: number, handle: string): Promise<Person> {
  const name = `${handle[0]?.toUpperCase()}${handle.slice(1)} Example`;
  const { id } = await admin<{ id: number }>(url, "POST", "users", {
    handle,
    displayName: name,
    password: `password of ${handle}`,
    organizations: [{ id: organizationId, role: "admin" }],
  });
  const { token } = await admin<{ token: string }>(url, "POST", "tokens", { userId: id, name: "test" });
  return { id, handle, name, token };
}

/** A custom chatroom that the site's first person makes for all of them. */
export async function addRoom(url: string, site: Site, name: string): Promise<Room> {
  const [owner, ...others] = site.people;
  const room = await messenger<{ id: number; token: string }>(url, owner?.token ?? "", "POST", "chatrooms", {
    organizationID: site.organizationId,
    name,
    assignedUsers: others.map((person) => person.id),
  });
  return { id: room.id, token: room.token, name };
}

/** The room's Matrix id. The bridge makes it after the room, and the API has no event for it: ask until it is there. */
export async function matrixRoomId(
  url: string,
  site: Site,
  room: Room,
  deadline = Date.now() + 60_000,
): Promise<string> {
  const [owner] = site.people;
  for (;;) {
    const path = `chatrooms/${room.id}`;
    const { matrixRoomID } = await messenger<{ matrixRoomID: string | null }>(
      url,
      owner?.token ?? "",
      "GET",
      path,
    );
    if (matrixRoomID) return matrixRoomID;
    if (Date.now() > deadline) throw new Error(`${room.name} got no Matrix room`);
    await delay(50);
  }
}
