/**
 * `npm run matrix:registration`: writes the registration file, says what to do with it, and helps with the one step that
 * passwords need. Settings come from the environment, as for the server.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Config, readConfig } from "../src/config.ts";
import { createLogger } from "../src/logger.ts";
import { createHomeserver } from "./homeserver/homeserver.ts";
import {
  type RegistrationFile,
  readOrMakeRegistration,
  registrationOptions,
} from "./homeserver/registration.ts";
import { type AdminProof, makeSenderAdmin } from "./homeserver/sender-admin.ts";

const HELP = `Writes the application service registration of Causeway, the file that a homeserver needs to let the bridge in.

Usage: npm run matrix:registration
       npm run matrix:registration -- --admin-token-file FILE
       npm run matrix:registration -- --shared-secret-file FILE

Without options it makes the file, or brings one that is there in line with the settings; tokens stay as they are.
The options do one thing more, on a running Synapse that knows the file: they make the bridge's own user an
administrator, so that GetCredentials can set passwords. Needed once. It works with either of
  --admin-token-file FILE     FILE holds the access token of an administrator
  --shared-secret-file FILE   FILE holds Synapse's registration_shared_secret
Nothing of FILE is kept.

Settings are environment variables; set them as for the server:
  MATRIX_REGISTRATION     where the file is [matrix-registration.yaml under DATA_DIR, ./data]
  MATRIX_APPSERVICE_URL   where the homeserver reaches the bridge [http://127.0.0.1:PORT, 8080]
  MATRIX_SERVER_NAME      the homeserver's name, the part of Matrix ids behind the colon [localhost]
  MATRIX_USER_PREFIX      localparts of bridged users start with this [cw_]
  MATRIX_HOMESERVER_URL   only for the options: Synapse's own address [http://127.0.0.1:MATRIX_PORT, 8008]
`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  "admin-token-file": { type: "string" },
  "shared-secret-file": { type: "string" },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const config = readConfig(process.env);
  const proof = adminProof(values["admin-token-file"], values["shared-secret-file"]);
  const registration = readOrMakeRegistration(registrationOptions(config));
  const lines = proof ? await makeAdmin(config, registration, proof) : nextSteps(config, registration);
  process.stdout.write(`${lines.join("\n")}\n`);
}

function adminProof(tokenFile: string | undefined, secretFile: string | undefined): AdminProof | null {
  if (tokenFile !== undefined && secretFile !== undefined) {
    throw new Error("Give --admin-token-file or --shared-secret-file, not both.");
  }
  if (tokenFile !== undefined) return { accessToken: firstWord(tokenFile) };
  if (secretFile !== undefined) return { sharedSecret: firstWord(secretFile) };
  return null;
}

function firstWord(path: string): string {
  const text = readFileSync(path, "utf8").trim();
  if (text === "") throw new Error(`${path} is empty.`);
  return text;
}

async function makeAdmin(
  config: Config,
  registration: RegistrationFile,
  proof: AdminProof,
): Promise<string[]> {
  const { MATRIX_HOMESERVER_URL: url, MATRIX_SERVER_NAME: serverName } = config;
  if (url === "off") throw new Error("MATRIX_HOMESERVER_URL is off: set it to Synapse's address.");
  const baseUrl = url ?? `http://127.0.0.1:${config.MATRIX_PORT}`;
  const logger = createLogger(config.LOG_LEVEL);
  const homeserver = createHomeserver({ baseUrl, registration, serverName, logger });
  const changed = await makeSenderAdmin(homeserver, proof).catch((error: Error) => {
    throw new Error(
      `${error.message}\nIs Synapse at ${baseUrl} (MATRIX_HOMESERVER_URL), and did it read ${registration.path} at its start?`,
    );
  });
  const sender = homeserver.userId(registration.senderLocalpart);
  return [
    `${sender} ${changed ? "is now" : "was already"} an administrator: GetCredentials can set passwords.`,
  ];
}

const DONE = {
  made: "Made the registration",
  rewritten: "Rewrote the registration, after a change of settings or of Causeway (its tokens are the same)",
  outdated: "The registration is an older Causeway's, and can't be written. Run this as a user who may",
} as const;

function nextSteps(config: Config, registration: RegistrationFile): string[] {
  const { MATRIX_SERVER_NAME: serverName, MATRIX_USER_PREFIX: prefix } = config;
  const path = resolve(registration.path);
  return [
    `${registration.change ? DONE[registration.change] : "The registration is up to date"}: ${path}`,
    `  It lets Causeway at ${registration.url} act for @${prefix}…:${serverName}.`,
    "",
    "What to do with it:",
    "  1. Give the homeserver a copy that it alone can read. In Synapse's homeserver.yaml:",
    "       app_service_config_files:",
    "         - /path/to/the/copy.yaml",
    "  2. Restart the homeserver: it reads registrations at its start only. Registration of accounts has to be closed",
    "     there, or need a token: Causeway refuses a homeserver where strangers can register.",
    "  3. Start Causeway with these settings, and with a HOST that the homeserver can reach:",
    `       MATRIX_SERVER_NAME=${serverName}`,
    `       MATRIX_APPSERVICE_URL=${registration.url}`,
    ...(prefix === "cw_" ? [] : [`       MATRIX_USER_PREFIX=${prefix}`]),
    "       MATRIX_HOMESERVER_URL=<the homeserver's address>",
    "  4. For passwords (GetCredentials), once and with the same settings:",
    "       npm run matrix:registration -- --admin-token-file FILE",
    "     where FILE holds the access token of an administrator of Synapse. Else set MATRIX_CREDENTIALS=none.",
    "The local homeserver of `npm start` needs none of this.",
  ];
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\nMore: npm run matrix:registration -- --help\n`);
  process.exit(1);
});
