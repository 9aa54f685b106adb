/** What Messenger, `/cloud` and the admin API let be done, and by whom. */
import { randomUUID } from "node:crypto";
import type { Room } from "../rooms.ts";
import { talkHeaders } from "../rooms.ts";
import { ADMIN_TOKEN, type Answer, ask, bearer, bearerOf, type Caller, must, type Site } from "../site.ts";
import {
  cloudVerdict,
  messengerVerdict,
  type Need,
  type StandingName,
  standing,
  type Verdict,
} from "../standings.ts";

export interface OfficeOperation {
  name: string;
  request: string;
  /** What the domain's tables say. */
  verdict(caller: StandingName): Verdict;
  attempt(caller: Caller, room: Room, site: Site): Promise<Answer>;
  /** It changes things for whoever comes next. */
  once?: true;
  /** What it answers when nothing is against it, if not that it is done. */
  well?: string;
}

const PREFIX = "/api/v1/chat";

function messengerHeaders({ standing: name, bearer: token }: Caller): Record<string, string> {
  if (token === null) return {};
  const { proof } = standing(name);
  return proof === "user" ? { "Personal-Access-Token": token } : { "API-TOKEN": token };
}

function messenger(
  name: string,
  [method, shown]: [method: string, path: string],
  need: Need,
  request: (room: Pick<Room, "id">, site: Site) => [path: string, json?: unknown],
  more: Pick<OfficeOperation, "once" | "well"> & {
    /** The room that it answers takes the place of the given one. */
    before?: (site: Site) => Promise<Pick<Room, "id"> | undefined>;
  } = {},
): OfficeOperation {
  const { before, ...rest } = more;
  return {
    name,
    request: `${method} ${shown}`,
    verdict: (caller) => messengerVerdict(caller, need),
    ...rest,
    async attempt(caller, room, site) {
      const other = await before?.(site);
      const [path, json] = request(other ?? room, site);
      const headers = messengerHeaders(caller);
      return await ask(site.url, method, PREFIX + path, { headers, ...(json !== undefined && { json }) });
    },
  };
}

function asOrganization({ organization }: Site): Record<string, string> {
  return { "API-TOKEN": organization.token };
}

/** It may be there or not. */
async function noDefaultRoom(site: Site): Promise<undefined> {
  const path = `${PREFIX}/chatrooms/default/${site.organization.id}`;
  await ask(site.url, "DELETE", path, { headers: asOrganization(site) });
}

async function newDefaultRoom(site: Site): Promise<Pick<Room, "id">> {
  await noDefaultRoom(site);
  const json = { organizationID: site.organization.id, automationEnabled: false };
  const headers = asOrganization(site);
  return (await must(site.url, "POST", `${PREFIX}/chatrooms/default`, { headers, json })).json;
}

const EVENT_ID = 7;
/** Everybody of the organization who is in the tests' rooms is in that of the event. */
async function anEvent({ url, organization, callers }: Site): Promise<undefined> {
  const inside = [callers["self-joined"], callers.member, callers.moderator, callers.owner];
  await must(url, "PUT", `/admin/v1/organizations/${organization.id}/events/${EVENT_ID}`, {
    headers: bearer(ADMIN_TOKEN),
    json: { name: "Exercise", acceptedUsers: inside.map(({ person }) => person?.id) },
  });
}

export const MESSENGER_OPERATIONS: OfficeOperation[] = [
  messenger(
    "see the room of an event",
    ["GET", "/chatroom"],
    "see a room",
    (_, { organization: { id } }) => [`/chatroom?organization_id=${id}&event_id=${EVENT_ID}`],
    { before: anEvent },
  ),
  messenger("list chatrooms", ["GET", "/chatrooms"], "be in the organization", (_, { organization }) => [
    `/chatrooms?organization_id=${organization.id}`,
  ]),
  messenger("create a chatroom", ["POST", "/chatrooms"], "manage", (_, { organization }) => [
    "/chatrooms",
    { organizationID: organization.id, name: `Made ${randomUUID()}` },
  ]),
  messenger(
    "create the default room",
    ["POST", "/chatrooms/default"],
    "manage",
    (_, { organization }) => [
      "/chatrooms/default",
      { organizationID: organization.id, automationEnabled: false },
    ],
    { before: noDefaultRoom },
  ),
  messenger(
    "remove the default room",
    ["DELETE", "/chatrooms/default/{organizationID}"],
    "manage",
    (_, { organization }) => [`/chatrooms/default/${organization.id}`],
    { before: newDefaultRoom },
  ),
  messenger("see a chatroom", ["GET", "/chatrooms/{roomID}"], "see a room", ({ id }) => [`/chatrooms/${id}`]),
  messenger("change a chatroom", ["PATCH", "/chatrooms/{roomID}"], "manage", ({ id }) => [
    `/chatrooms/${id}`,
    { automationEnabled: false },
  ]),
  messenger("change a chatroom (PUT)", ["PUT", "/chatrooms/{roomID}"], "manage", ({ id }) => [
    `/chatrooms/${id}`,
    { automationEnabled: false },
  ]),
  messenger("add people", ["POST", "/chatrooms/{roomID}/users"], "manage", ({ id }, { newcomer }) => [
    `/chatrooms/${id}/users`,
    { assignedUsers: [newcomer.id] },
  ]),
  messenger(
    "claim the default room",
    ["POST", "/chatrooms/{roomID}/claim"],
    "be a user of it",
    ({ id }) => [`/chatrooms/${id}/claim`],
    { before: newDefaultRoom },
  ),
  messenger(
    "claim a chatroom that has an owner",
    ["POST", "/chatrooms/{roomID}/claim"],
    "own it",
    ({ id }) => [`/chatrooms/${id}/claim`],
  ),
  messenger(
    "delete a chatroom",
    ["DELETE", "/chatrooms/{roomID}"],
    "manage",
    ({ id }) => [`/chatrooms/${id}`],
    { once: true },
  ),
  // There is no homeserver here: whoever gets so far is told.
  messenger("get a Matrix password", ["GET", "/user/credentials"], "be a user", () => ["/user/credentials"], {
    well: "503",
  }),
  messenger(
    "sign in to Matrix",
    ["POST", "/user/login"],
    "be a user",
    () => ["/user/login", { deviceID: "PHONE" }],
    { well: "503" },
  ),
];

// ── /cloud ───────────────────────────────────────────────────────────────────────────────────────────

/** Whom and what it is done to: made anew for every caller. */
interface Subject {
  handle: string;
  group: string;
}

function cloud(
  name: string,
  [method, shown]: [method: string, path: string],
  request: (subject: Subject, caller: Caller) => [path: string, json?: unknown],
  onOneself = false,
): OfficeOperation {
  return {
    name,
    request: `${method} ${shown}`,
    verdict: (caller) => cloudVerdict(caller, onOneself),
    async attempt(caller, _, site) {
      const [path, json] = request(await newSubject(site), caller);
      const sent = { headers: talkHeaders(caller), ...(json !== undefined && { json }) };
      return await ask(site.url, method, `/ocs/v2.php${path}`, sent);
    },
  };
}

async function newSubject({ url, newPerson }: Site): Promise<Subject> {
  const { handle } = await newPerson();
  const group = `group-of-${handle}`;
  const json = { name: group, members: [] };
  await must(url, "PUT", `/admin/v1/groups/${group}`, { headers: bearer(ADMIN_TOKEN), json });
  return { handle, group };
}

export const CLOUD_OPERATIONS: OfficeOperation[] = [
  cloud("list users", ["GET", "/cloud/users"], () => ["/cloud/users"]),
  cloud("list groups", ["GET", "/cloud/groups"], () => ["/cloud/groups"]),
  cloud("see a group", ["GET", "/cloud/groups/{groupId}"], ({ group }) => [`/cloud/groups/${group}`]),
  cloud("list a group's users", ["GET", "/cloud/groups/{groupId}/users"], ({ group }) => [
    `/cloud/groups/${group}/users`,
  ]),
  cloud("see a user", ["GET", "/cloud/users/{userId}"], ({ handle }) => [`/cloud/users/${handle}`]),
  cloud(
    "see oneself",
    ["GET", "/cloud/users/{oneself}"],
    (_, { person }) => [`/cloud/users/${person?.handle ?? "nobody"}`],
    true,
  ),
  cloud("create a user", ["POST", "/cloud/users"], ({ handle }) => [
    "/cloud/users",
    { userid: `new-${handle}`, password: "a secret" },
  ]),
  cloud("change a user", ["PUT", "/cloud/users/{userId}"], ({ handle }) => [
    `/cloud/users/${handle}`,
    { key: "displayname", value: "Another name" },
  ]),
  cloud("delete a user", ["DELETE", "/cloud/users/{userId}"], ({ handle }) => [`/cloud/users/${handle}`]),
  cloud("put a user into a group", ["POST", "/cloud/users/{userId}/groups"], ({ handle, group }) => [
    `/cloud/users/${handle}/groups`,
    { groupid: group },
  ]),
  cloud("create a group", ["POST", "/cloud/groups"], ({ group }) => [
    "/cloud/groups",
    { groupid: `new-${group}` },
  ]),
  cloud("delete a group", ["DELETE", "/cloud/groups/{groupId}"], ({ group }) => [`/cloud/groups/${group}`]),
];

/** The admin API's operations are tried as they are documented: what they would do does not matter to who may. */
export async function attemptAdmin(
  caller: Caller,
  method: string,
  path: string,
  site: Site,
): Promise<Answer> {
  const known = path.replaceAll(/\{\w+\}/g, "0");
  const hasBody = method === "POST" || method === "PUT" || method === "PATCH";
  return await ask(site.url, method, known, { headers: bearerOf(caller), ...(hasBody && { json: {} }) });
}
