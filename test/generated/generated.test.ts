/** Requests made up from the OpenAPI documents: no 5xx, no undocumented status, type or shape, on any of the APIs. */
import { beforeAll, expect, test } from "vitest";
import { ADMIN_TOKEN, type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { type Known, provisionKnown } from "./known.ts";
import { type Run, runSchemathesis } from "./schemathesis.ts";

type ApiRun = Omit<Run, "command" | "url" | "examples">;

function messenger({ token, organization, rooms, people, events }: Known): ApiRun {
  return {
    api: "messenger",
    basePath: "/api/v1/chat",
    headers: { "Personal-Access-Token": token },
    known: { organization: [organization], room: rooms.ids, user: people.ids, event: events },
    fields: {
      "path.roomID": "room",
      "path.organizationID": "organization",
      "query.organization_id": "organization",
      "query.event_id": "event",
      "body.organizationID": "organization",
      "body.admins[*]": "user",
      "body.moderators[*]": "user",
      "body.assignedUsers[*]": "user",
    },
    // There is no homeserver here.
    unavailable: ["/user/credentials", "/user/login"],
  };
}

function wire({ token, team, rooms, people, login }: Known): ApiRun {
  return {
    api: "wire",
    headers: { Authorization: `Bearer ${token}` },
    known: {
      ...{ conversation: rooms.uuids, user: people.uuids, team: [team] },
      ...{ handle: [login.handle], password: [login.password] },
    },
    fields: {
      "path.cnv": "conversation",
      "path.usr": "user",
      "path.to": "user",
      "path.tid": "team",
      "query.start": "conversation",
      "body.users[*]": "user",
      "body.user": "user",
      "body.team.teamid": "team",
      "body.handle": "handle",
      "body.password": "password",
    },
  };
}

function protocol({ token, rooms, people, messages, attachments }: Known): ApiRun {
  return {
    api: "protocol",
    headers: { Authorization: `Bearer ${token}` },
    known: {
      ...{ conversation: rooms.publicIds, contact: people.publicIds, handle: people.handles },
      ...{ message: messages.publicIds, attachment: attachments },
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
      "^/v1/(conversations|groups)/": { "path.id": "conversation" },
      "^/v1/contacts/": { "path.id": "contact" },
      "^/v1/messages/": { "path.id": "message" },
      "^/v1/attachments/": { "path.id": "attachment" },
    },
  };
}

function talk({ token, rooms, people, groups, messages, disposable }: Known): ApiRun {
  return {
    api: "talk",
    basePath: "/ocs/v2.php",
    headers: { Authorization: `Bearer ${token}`, Accept: "application/json", "OCS-APIRequest": "true" },
    known: {
      ...{ room: rooms.tokens, user: people.handles, group: groups, message: messages.talkIds },
      ...{ disposable: disposable.handles, now: [0] },
    },
    fields: {
      "path.token": "room",
      "path.userId": "disposable",
      "path.groupId": "group",
      // Nobody waits for what nobody says.
      "query.timeout": "now",
      "query.lastKnownMessageId": "message",
      "body.lastReadMessage": "message",
      "body.replyTo": "message",
      "body.invite": "user",
      "body.newParticipant": "user",
      "body.participant": "user",
      "body.groupid": "group",
    },
    // It waits for half a minute.
    leftOut: ["GET /apps/spreed/api/v1/signaling/{token}"],
  };
}

function admin({ disposable, groups, events }: Known): ApiRun {
  const { organizations, users, tokens, webhooks } = disposable;
  return {
    api: "admin",
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    known: {
      ...{ organization: organizations, user: users, token: tokens, webhook: webhooks },
      ...{ group: groups, event: events },
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
      "^/admin/v1/organizations/": { "path.id": "organization" },
      "^/admin/v1/users/": { "path.id": "user" },
      "^/admin/v1/tokens/": { "path.id": "token" },
      "^/admin/v1/webhooks/": { "path.id": "webhook" },
    },
  };
}

/** All of them together take a minute and a half at most. */
const EXAMPLES = 10;

describeWith(["postgres", "schemathesis"], "requests made up from", ({ postgres, schemathesis }) => {
  const fleet = serverFleet();
  let server: ServerProcess;
  beforeAll(async () => {
    server = await fleet.start({ DATABASE_URL: postgres.url });
  });

  test.concurrent.each([
    ["Messenger", messenger],
    ["Talk", talk],
    ["Wire", wire],
    ["Protocol", protocol],
    ["the admin API", admin],
  ])(
    "the document of %s find no defect and nothing undocumented",
    async (_, apiRun) => {
      const { command } = schemathesis;
      const api = apiRun(await provisionKnown(server.url, apiRun.name));
      const { failures, output, requests, operations } = await runSchemathesis({
        ...{ ...api, command, url: server.url, examples: EXAMPLES },
      });
      if (failures.length > 0) console.error(output);
      expect(failures).toEqual([]);
      expect(operations.tested).toBe(operations.total);
      expect(requests).toBeGreaterThan(operations.total * EXAMPLES);
      expect(server.output(), "the server's log").not.toContain("a request failed");
    },
    240_000,
  );
});
