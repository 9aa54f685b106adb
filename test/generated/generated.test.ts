/** Requests made up from the OpenAPI documents: no 5xx, no undocumented status, type or shape, on any of the APIs. */
import { beforeAll, expect, test } from "vitest";
import { ADMIN_TOKEN, type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { type Known, provisionKnown } from "./known.ts";
import { type Run, runSchemathesis } from "./schemathesis.ts";

type ApiRun = Omit<Run, "command" | "url" | "examples">;

/** Operations that leave what they are about, in the words of `Run.fieldsOf`. */
const KEEPING = "^(GET|POST|PUT|PATCH) ";

function messenger({ token, organization, rooms, doomed, people, events }: Known): ApiRun {
  return {
    api: "messenger",
    basePath: "/api/v1/chat",
    headers: { "Personal-Access-Token": token },
    known: {
      ...{ organization: [organization], user: people.ids, event: events },
      // Also a Matrix id names a room: in paths it is a text.
      ...{ room: rooms.ids.map(String), doomed: doomed.ids.map(String) },
    },
    fields: {
      "path.organizationID": "organization",
      "query.organization_id": "organization",
      "query.event_id": "event",
      "body.organizationID": "organization",
      "body.admins[*]": "user",
      "body.moderators[*]": "user",
      "body.assignedUsers[*]": "user",
    },
    fieldsOf: {
      [KEEPING]: { "path.roomID": "room" },
      "^DELETE ": { "path.roomID": "doomed" },
    },
    // There is no homeserver here.
    unavailable: ["/user/credentials", "/user/login"],
  };
}

function wire({ token, team, rooms, doomed, people, login }: Known): ApiRun {
  return {
    api: "wire",
    headers: { Authorization: `Bearer ${token}` },
    known: {
      ...{ conversation: rooms.uuids, doomed: doomed.uuids, user: people.uuids, team: [team] },
      ...{ handle: [login.handle], password: [login.password], domain: ["127.0.0.1"] },
    },
    fields: {
      "path.usr": "user",
      "path.to": "user",
      "path.tid": "team",
      "query.start": "conversation",
      "body.users[*]": "user",
      "body.qualified_users[*].id": "user",
      "body.qualified_users[*].domain": "domain",
      "body.user": "user",
      "body.team.teamid": "team",
      "body.handle": "handle",
      "body.password": "password",
    },
    fieldsOf: {
      [KEEPING]: { "path.cnv": "conversation" },
      "^DELETE ": { "path.cnv": "doomed" },
    },
  };
}

function protocol({ token, rooms, doomed, people, messages, attachments }: Known): ApiRun {
  return {
    api: "protocol",
    headers: { Authorization: `Bearer ${token}` },
    known: {
      ...{ conversation: rooms.publicIds, doomedConversation: doomed.publicIds },
      ...{ message: messages, doomedMessage: doomed.messages },
      ...{ attachment: attachments, doomedAttachment: doomed.attachments },
      ...{ contact: people.publicIds, handle: people.handles },
    },
    fields: {
      "query.conversation_id": "conversation",
      "query.group_id": "conversation",
      "body.conversation_id": "conversation",
      "body.contact_id": "contact",
      "body.group_id": "conversation",
      "body.pinned_message_id": "message",
      "body.username": "handle",
      "body.contacts[*]": "contact",
      "body.attachments[*]": "attachment",
    },
    fieldsOf: {
      [`${KEEPING}/v1/(conversations|groups)/`]: { "path.id": "conversation" },
      [`${KEEPING}/v1/contacts/`]: { "path.id": "contact" },
      [`${KEEPING}/v1/messages/`]: { "path.id": "message" },
      [`${KEEPING}/v1/attachments/`]: { "path.id": "attachment" },
      "^DELETE /v1/(conversations|groups)/": { "path.id": "doomedConversation" },
      "^DELETE /v1/messages/": { "path.id": "doomedMessage" },
      "^DELETE /v1/attachments/": { "path.id": "doomedAttachment" },
    },
  };
}

function talk({ token, rooms, doomed, people, groups, disposable }: Known): ApiRun {
  return {
    api: "talk",
    basePath: "/ocs/v2.php",
    headers: { Authorization: `Bearer ${token}`, Accept: "application/json", "OCS-APIRequest": "true" },
    known: {
      ...{ room: rooms.tokens, doomed: doomed.tokens, user: people.handles, group: groups },
      ...{ disposable: disposable.handles, none: [0] },
    },
    fields: {
      "path.userId": "disposable",
      "path.groupId": "group",
      "body.lastReadMessage": "none",
      "body.replyTo": "none",
      // Rooms are open at last.
      "body.state": "none",
      "body.invite": "user",
      "body.newParticipant": "user",
      "body.participant": "user",
      "body.groupid": "group",
    },
    fieldsOf: {
      [KEEPING]: { "path.token": "room" },
      "^DELETE ": { "path.token": "doomed" },
    },
    // They wait for half a minute for what nobody says.
    leftOut: ["GET /apps/spreed/api/v1/signaling/{token}", "GET /apps/spreed/api/v1/chat/{token}"],
  };
}

function admin({ organization, disposable, groups, events, doomed }: Known): ApiRun {
  const { organizations, users, tokens, webhooks } = disposable;
  const kept = <T>(list: T[]) => list.slice(0, list.length / 2);
  const ended = <T>(list: T[]) => list.slice(list.length / 2);
  return {
    api: "admin",
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    known: {
      ...{ organization: [organization], doomedOrganization: organizations },
      ...{ user: kept(users), doomedUser: ended(users), token: kept(tokens), doomedToken: ended(tokens) },
      ...{ webhook: kept(webhooks), doomedWebhook: ended(webhooks) },
      ...{ group: groups, doomedGroup: doomed.groups, event: events, doomedEvent: doomed.events },
    },
    fields: {
      "path.userId": "user",
      "path.groupId": "group",
      "path.eventId": "event",
      "query.organizationId": "organization",
      "body.organizationId": "organization",
      "body.userId": "user",
      "body.acceptedUsers[*]": "user",
      "body.organizations[*].id": "organization",
    },
    fieldsOf: {
      [`${KEEPING}/admin/v1/organizations/`]: { "path.id": "organization" },
      "^DELETE /admin/v1/organizations/{id}/": { "path.id": "organization", "path.eventId": "doomedEvent" },
      "^DELETE /admin/v1/organizations/{id}$": { "path.id": "doomedOrganization" },
      "^DELETE /admin/v1/groups/": { "path.groupId": "doomedGroup" },
      [`${KEEPING}/admin/v1/users/`]: { "path.id": "user" },
      "^DELETE /admin/v1/users/": { "path.id": "doomedUser" },
      [`${KEEPING}/admin/v1/tokens/`]: { "path.id": "token" },
      "^DELETE /admin/v1/tokens/": { "path.id": "doomedToken" },
      [`${KEEPING}/admin/v1/webhooks/`]: { "path.id": "webhook" },
      "^DELETE /admin/v1/webhooks/": { "path.id": "doomedWebhook" },
    },
  };
}

/** All of them together take a minute and a half at most. */
const EXAMPLES = 10;
const LIMIT_MS = 240_000;

describeWith(["postgres", "schemathesis"], "requests made up from", ({ postgres, schemathesis }) => {
  const fleet = serverFleet();
  let server: ServerProcess;
  beforeAll(async () => {
    server = await fleet.start({ DATABASE_URL: postgres.url });
  });

  /** @param api its name in the documents' addresses keeps its rooms and people from those of the others */
  async function tryOut(api: (known: Known) => ApiRun): Promise<void> {
    const run = api(await provisionKnown(server.url, api.name));
    const { command } = schemathesis;
    const { failures, output, requests, operations } = await runSchemathesis({
      ...{ ...run, command, url: server.url, examples: EXAMPLES },
    });
    if (failures.length > 0) console.error(output);
    expect(failures).toEqual([]);
    expect(operations.tested).toBe(operations.total);
    expect(requests).toBeGreaterThan(operations.total * EXAMPLES);
    expect(server.output(), "the server's log").not.toContain("a request failed");
  }

  test.concurrent.each([
    ["Messenger", messenger],
    ["Talk", talk],
    ["Wire", wire],
    ["Protocol", protocol],
  ])("the document of %s find no defect and nothing undocumented", (_, api) => tryOut(api), LIMIT_MS);

  // It comes last: numbers that it makes up name users and tokens of the others.
  test(
    "the document of the admin API find no defect and nothing undocumented",
    () => tryOut(admin),
    LIMIT_MS,
  );
});
