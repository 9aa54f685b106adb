/** What the story needs before it begins: a server with a homeserver, people in an organization, and the recorder in front of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHomeserver } from "../../bridge/homeserver/homeserver.ts";
import { makeSenderAdmin } from "../../bridge/homeserver/sender-admin.ts";
import { startServer } from "../../src/app/server.ts";
import { readConfig } from "../../src/config.ts";
import { createLogger } from "../../src/logger.ts";
import { readRegistration } from "../bridge/world.ts";
import { bearer, must } from "../faces/site.ts";
import type { Services } from "../services/need.ts";
import { type Recorder, startRecorder } from "./recorder.ts";

type Synapse = Services["synapse"];

const OPERATORS_TOKEN = "the-operators-token";

/** Somebody whom the operator made. */
export interface Person {
  /** The id of the actor. */
  id: string;
  handle: string;
  name: string;
  password: string;
}

export interface Stage {
  /** Where the apps reach the server. */
  url: string;
  recorder: Recorder;
  /** The ops that the apps have said. */
  said: Set<string>;
  organization: number;
  /** @param more fields of the admin API */
  newPerson(name: string, more?: object): Promise<Person>;
  close(): Promise<void>;
}

/** As `npm run matrix:registration` does it for operators. */
async function letTheBridgeSetPasswords({ url: baseUrl, serverName, registerUser, registration }: Synapse) {
  const { path, prefix } = registration;
  const logger = createLogger("silent");
  const homeserver = createHomeserver({
    ...{ baseUrl, serverName, logger, registration: readRegistration(path, prefix) },
  });
  await makeSenderAdmin(homeserver, await registerUser(`admin-of-${prefix}`, "a password", true));
}

export async function openStage({
  postgres,
  synapse,
}: Pick<Services, "postgres" | "synapse">): Promise<Stage> {
  const recorder = await startRecorder();
  const dataDir = mkdtempSync(join(tmpdir(), "causeway-socket-only-"));
  const { registration } = synapse;
  await letTheBridgeSetPasswords(synapse);
  const config = readConfig({
    ...{ DATABASE_URL: postgres.url, DATA_DIR: dataDir, ADMIN_TOKEN: OPERATORS_TOKEN },
    ...{ PORT: String(registration.port), PUBLIC_URL: recorder.url },
    ...{ MATRIX_HOMESERVER_URL: synapse.url, MATRIX_SERVER_NAME: synapse.serverName },
    ...{ MATRIX_REGISTRATION: registration.path, MATRIX_USER_PREFIX: registration.prefix },
    ...{ DEMO: "off", LOG_LEVEL: "error" },
  });
  const server = await startServer(config, () => {});
  const target = `http://127.0.0.1:${registration.port}`;
  recorder.target = target;
  const operator = async (method: string, path: string, json: object) =>
    (await must(target, method, `/admin/v1/${path}`, { headers: bearer(OPERATORS_TOKEN), json })).json;
  const { id: organization } = await operator("POST", "organizations", { name: "Harbour" });
  const colleague = { organizations: [{ id: organization, role: "member" }] };
  return {
    ...{ url: recorder.url, recorder, organization, said: new Set() },
    async newPerson(name, more = colleague) {
      const handle = name.toLowerCase();
      const password = `the password of ${handle}`;
      const { id } = await operator("POST", "users", { handle, displayName: name, password, ...more });
      return { id: String(id), handle, name, password };
    },
    async close() {
      await server.stop();
      recorder.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
