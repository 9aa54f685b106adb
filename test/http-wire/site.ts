/** People of Wire on the app over the real domain: each calls with a token of their own. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Answer } from "../http/http-client.ts";
import { addOrg, addPerson, type Org, type Person, type Site } from "../http/real-parts.ts";

export const DOMAIN = "chat.example.org";
export const NIL = "00000000-0000-0000-0000-000000000000";
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** A room's name on the WebSocket. */
export const ROOM = expect.stringMatching(/^[a-z0-9]{8}$/);

export interface WirePerson extends Person {
  call(method: string, path: string, json?: unknown): Promise<Answer>;
}

export function withCalls(site: Site, person: Person): WirePerson {
  const headers = { Authorization: `Bearer ${person.auth["Personal-Access-Token"]}` };
  const call = (method: string, path: string, json?: unknown) =>
    site.client(method, path, { headers, ...(json !== undefined && { json }) });
  return { ...person, call };
}

/** So many people of one organization. */
export async function addTeam(site: Site, size: number): Promise<{ org: Org; people: WirePerson[] }> {
  const org = await addOrg(site);
  const people: WirePerson[] = [];
  for (let n = 0; n < size; n++) people.push(withCalls(site, await addPerson(site, org)));
  return { org, people };
}

/** Somebody without any organization. */
export async function addLoner(site: Site): Promise<WirePerson> {
  return withCalls(site, await addPerson(site));
}

/** A conversation that the first person makes for all of them. */
export async function addConversation(
  [creator, ...others]: readonly WirePerson[],
  body: object = {},
): Promise<string> {
  const made = await (creator as WirePerson).call("POST", "/conversations", {
    users: others.map(({ uuid }) => uuid),
    name: `Room ${randomUUID()}`,
    ...body,
  });
  expect(made.status, made.text).toBe(201);
  return made.json.id;
}

/** Asks for a connection and accepts it. */
export async function connect(a: WirePerson, b: WirePerson): Promise<void> {
  expect((await a.call("POST", "/connections", { user: b.uuid, name: "Hello" })).status).toBe(201);
  expect((await b.call("PUT", `/connections/${a.uuid}`, { status: "accepted" })).status).toBe(200);
}

/** Renames a conversation in a transaction that stays open. */
export async function holdRename(
  { store }: Site,
  conversation: string,
  by: WirePerson,
  name: string,
): Promise<{ commit(): Promise<void> }> {
  const found = await store.rooms.locate({ uuid: conversation }, "u:0");
  const id = found?.room.id ?? 0;
  const actor = { kind: "user" as const, id: String(by.id), name: by.displayName };
  let commit = () => {};
  let isWritten = () => {};
  const may = new Promise<void>((resolve) => {
    commit = resolve;
  });
  const written = new Promise<void>((resolve) => {
    isWritten = resolve;
  });
  const committed = store.transaction(async (tx) => {
    await tx.lockRooms([id]);
    await tx.appendEvents(id, [{ type: "room.changed", actor, data: { name } }]);
    isWritten();
    await may;
  });
  await written;
  return {
    async commit() {
      commit();
      await committed;
    },
  };
}

export const refused = (code: number, label: string, message: string | RegExp = /./) => ({
  status: code,
  json: { code, label, message: typeof message === "string" ? message : expect.stringMatching(message) },
});

export const empty = (status: number) => ({ status, text: "" });

/** The envelope of an event. test/faces/socket-names.test.ts compares its place with the log. */
export function event(type: string, conversation: string, from: string, data: unknown, isLogged = true) {
  return {
    type,
    conversation,
    qualified_conversation: { id: conversation, domain: DOMAIN },
    room: ROOM,
    ...(isLogged && { seq: expect.any(Number) }),
    from,
    qualified_from: { id: from, domain: DOMAIN },
    time: expect.stringMatching(TIME),
    data,
  };
}

export function joinData(people: readonly { uuid: string }[], role = "wire_admin") {
  return {
    users: people.map(({ uuid: id }) => ({
      id,
      qualified_id: { id, domain: DOMAIN },
      conversation_role: role,
    })),
    user_ids: people.map(({ uuid }) => uuid),
  };
}

export function leaveData(...people: readonly { uuid: string }[]) {
  return {
    user_ids: people.map(({ uuid }) => uuid),
    qualified_user_ids: people.map(({ uuid: id }) => ({ id, domain: DOMAIN })),
  };
}
