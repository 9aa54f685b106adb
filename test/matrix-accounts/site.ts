/** Matrix accounts of users on a real PostgreSQL, at a real Synapse. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import { createAccountTasks } from "../../bridge/homeserver/account-tasks.ts";
import { createMatrixAccounts } from "../../bridge/homeserver/accounts.ts";
import {
  type CredentialProviderChoice,
  createCredentialProvider,
} from "../../bridge/homeserver/credentials.ts";
import { createHomeserver, type Homeserver } from "../../bridge/homeserver/homeserver.ts";
import { readOrMakeRegistration } from "../../bridge/homeserver/registration.ts";
import { createGhosts } from "../../bridge/mapping/ghosts.ts";
import { createBridgeAccounts } from "../../bridge/store/accounts.ts";
import type { RoomToEnter } from "../../bridge/store/members.ts";
import type { MatrixAccounts } from "../../src/domain/ports/matrix.ts";
import { openStore, type PostgresStore } from "../../src/store/postgres.ts";
import type { Services } from "../services/need.ts";

export const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  error: () => undefined,
  warn: vi.fn(),
};
/** Nothing revokes what was made with it. */
export const LASTING = { via: "jwt", expiresAt: 0 } as const;

/** Call it at the top of a `describe`. */
export function accountsSite(postgres: Services["postgres"], synapse: Services["synapse"]) {
  const { registration: given, serverName } = synapse;
  const { prefix } = given;
  const registration = readOrMakeRegistration({
    ...{ path: given.path, appserviceUrl: given.url, prefix, serverName },
  });
  const homeserverAt = (baseUrl: string) =>
    createHomeserver({ baseUrl, registration, serverName, logger: SILENT });
  const homeserver = homeserverAt(synapse.url);
  const rooms = {
    markMatrixAccount: vi.fn((_userId: number) => Promise.resolve<RoomToEnter[]>([])),
    roomsToEnter: vi.fn((_userId: number) => Promise.resolve<RoomToEnter[]>([])),
  };
  let chat: PostgresStore;
  beforeAll(async () => {
    chat = await openStore({ databaseUrl: postgres.url, maxConnections: 5, logger: SILENT });
  });
  afterAll(() => chat?.close());
  beforeEach(() => {
    SILENT.warn.mockClear();
    for (const method of Object.values(rooms)) method.mockReset().mockResolvedValue([]);
  });

  const store = () => ({ ...createBridgeAccounts(chat.sql), ...rooms });
  const accountsOn = (
    at: Homeserver,
    provider: CredentialProviderChoice = "synapse-admin",
  ): MatrixAccounts => {
    const made = () => createMatrixAccounts({ homeserver: at, store: store(), provider, logger: SILENT });
    return {
      credentials: async (...asked) => await made().credentials(...asked),
      login: async (...asked) => await made().login(...asked),
    };
  };

  async function matrix(method: string, path: string, token: string | null, body?: object) {
    const answer = await fetch(`${synapse.url}/_matrix/client/v3/${path}`, {
      method,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  return {
    ...{ homeserver, homeserverAt, registration, serverName, prefix, rooms, store, accountsOn, matrix },
    chat: () => chat,
    accounts: () => accountsOn(homeserver),
    person: () =>
      chat.transaction((tx) =>
        tx.users.create({
          ...{ handle: `h-${randomUUID()}`, displayName: "P", email: null },
          ...{ passwordHash: null, administrator: false },
        }),
      ),
    /** Carries out what waits for accounts. */
    tasksOn: (at: Homeserver) =>
      createAccountTasks({
        ...{ homeserver: at, store: createBridgeAccounts(chat.sql), logger: SILENT },
        ghosts: createGhosts({ ...registration, serverName }),
        provider: createCredentialProvider("synapse-admin", at),
      }),
    whoami: (token: string) => matrix("GET", "account/whoami", token),
    passwordLogin: (user: string, password: string) =>
      matrix("POST", "login", null, {
        type: "m.login.password",
        identifier: { type: "m.id.user", user },
        password,
      }),
  };
}
