/** The app over the real domain, on a real PostgreSQL and hot state in memory, with people and organizations to use it. */

import { DomainError } from "../../src/domain/errors.ts";
import type { OrganizationRole, User } from "../../src/domain/model.ts";
import type { AttachmentFiles } from "../../src/domain/ports/attachments.ts";
import type { MatrixAccounts } from "../../src/domain/ports/matrix.ts";
import type { WebhookTargets } from "../../src/domain/ports/webhooks.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { HttpHandler } from "../../src/http/face/face.ts";
import type { PostgresStore } from "../../src/store/postgres.ts";
import { testApp } from "../test-app.ts";
import { type Client, clientOf } from "./http-client.ts";

export interface Site {
  app: HttpHandler;
  client: Client;
  /** The same app, where no homeserver is configured. */
  withoutMatrix: Client;
  store: PostgresStore;
  useCases: UseCases;
  /** Logins that the homeserver was asked for. */
  matrixLogins: { user: User; deviceId: string }[];
  close(): Promise<void>;
}

export const ADMIN_TOKEN = "an admin token";
export const ADMIN = { Authorization: `Bearer ${ADMIN_TOKEN}` };
export const PUBLIC_URL = "https://chat.example.org";
const logger = { info: () => {}, warn: console.warn, error: console.error };

export async function openSite(
  databaseUrl: string,
  {
    files = null,
    webhookTargets = null,
  }: { files?: AttachmentFiles | null; webhookTargets?: WebhookTargets | null } = {},
): Promise<Site> {
  const bounds = { perUser: 2 ** 30, perOrganization: 2 ** 30 };
  const parts = await testApp({
    ...{ databaseUrl, logger, files, webhookTargets },
    settings: { passwordMinLength: 4, files: bounds },
  });
  const matrixLogins: Site["matrixLogins"] = [];
  const app = (matrixAccounts: MatrixAccounts | null) =>
    parts.http({
      ...{ logger, matrixAccounts, adminToken: ADMIN_TOKEN, rateLimits: true },
      publicUrl: () => PUBLIC_URL,
      stats: async () => ({ connections: 0 }),
    });
  const withMatrix = app(matrixAccounts(matrixLogins));
  return {
    ...{ store: parts.store, useCases: parts.useCases, matrixLogins },
    app: withMatrix,
    client: clientOf(withMatrix),
    withoutMatrix: clientOf(app(null)),
    close: parts.close,
  };
}

/** A homeserver that only has to answer; what it does with accounts is tested on a real one, with the bridge. */
function matrixAccounts(logins: Site["matrixLogins"]): MatrixAccounts {
  return {
    credentials: async (user) => ({
      ...{ username: `cw_${user.id}`, password: "matrix password" },
      ...{ userID: `@cw_${user.id}:localhost`, homeserver: "http://localhost:8008" },
    }),
    async login(user, deviceId) {
      if (deviceId === "away") throw new DomainError("unavailable", "The homeserver can't be reached");
      logins.push({ user, deviceId });
      return {
        accessToken: "syt_a",
        deviceID: deviceId,
        expiresInMS: 300_000,
        refreshToken: "syr_a",
        userID: `@cw_${user.id}:localhost`,
        wellKnown: { "m.homeserver": { base_url: "http://localhost:8008" } },
      };
    },
  };
}

export interface Person extends User {
  /** Headers that prove who it is, for Messenger. */
  auth: { "Personal-Access-Token": string };
}
export interface Org {
  id: number;
  uuid: string;
  /** Headers of the organization itself, for Messenger. */
  auth: { "API-TOKEN": string };
}

let count = 0;

export async function addOrg({ client }: Site, body: { defaultRoom?: boolean } = {}): Promise<Org> {
  const json = { name: `Org ${++count}`, ...body };
  const made = await client("POST", "/admin/v1/organizations", { headers: ADMIN, json });
  const token = await addToken(client, { organizationId: made.json.id });
  return { id: made.json.id, uuid: made.json.uuid, auth: { "API-TOKEN": token } };
}

export async function addPerson(
  { client }: Site,
  org?: Org,
  role: OrganizationRole = "member",
): Promise<Person> {
  const json = {
    handle: `person-${++count}`,
    displayName: `Person ${count}`,
    email: `Person-${count}@example.org`,
    password: "secret",
    ...(org && { organizations: [{ id: org.id, role }] }),
  };
  const made = await client("POST", "/admin/v1/users", { headers: ADMIN, json });
  const token = await addToken(client, { userId: made.json.id });
  return { ...made.json, auth: { "Personal-Access-Token": token } };
}

async function addToken(
  client: Client,
  owner: { userId: number } | { organizationId: number },
): Promise<string> {
  const json = { ...owner, name: "test" };
  return (await client("POST", "/admin/v1/tokens", { headers: ADMIN, json })).json.token;
}
