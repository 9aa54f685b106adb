/** An app over parts that do nothing, for what does not depend on them: routing, shapes, bounds, headers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Principal } from "../../src/domain/model.ts";
import type { Accounts } from "../../src/domain/use-cases/accounts.ts";
import type { Chatrooms } from "../../src/domain/use-cases/chatrooms.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { createHttpApp, type HttpOptions } from "../../src/http/app.ts";
import type { RequestLimits } from "../../src/http/requests/request-limits.ts";
import { type Client, clientOf } from "./http-client.ts";

export const USER_PRINCIPAL: Principal & { version: number } = {
  kind: "user",
  user: {
    id: 7,
    uuid: "6b2f6f7e-6f0a-4a55-9c0b-6f8a3a0c1d11",
    publicId: "abcdefgh12345678",
    handle: "ada",
    displayName: "Ada",
    email: null,
    administrator: false,
    createdAt: 0,
    avatarId: null,
    status: "",
    receiptsFor: "everybody",
    lastSeenFor: "everybody",
  },
  credential: { via: "token", tokenId: 1, expiresAt: null },
  version: 1,
};

/** Methods that a test does not give throw when they are asked. */
function partial<T extends object>(given: Partial<T>): T {
  return new Proxy(given, {
    get(target, name) {
      if (name in target) return target[name as keyof T];
      throw new Error(`a test asked for ${String(name)} without giving it`);
    },
  }) as T;
}

/** Nouns that are not given have no methods. */
function givenUseCases(given: Partial<UseCases>): UseCases {
  return new Proxy(given, {
    get: (target, noun) => target[noun as keyof UseCases] ?? partial({}),
  }) as UseCases;
}

export interface Fakes extends Partial<Omit<HttpOptions, "useCases">> {
  accounts?: Partial<Accounts>;
  chatrooms?: Partial<Chatrooms>;
}

export function fakeApp(fakes: Fakes = {}): Client {
  return clientOf(createHttpApp(fakeOptions(fakes)));
}

export function fakeOptions({ accounts = {}, chatrooms = {}, ...options }: Fakes = {}): HttpOptions {
  const authenticate = async () => USER_PRINCIPAL;
  return {
    useCases: givenUseCases({
      clock: { now: Date.now },
      accounts: partial({ authenticate, ...accounts }),
      chatrooms: partial(chatrooms),
    }),
    storeHealth: {
      condition: { state: "ok", since: 0, detail: null },
      isAway: false,
      onAway: () => () => {},
    },
    hot: { limits: { take: async () => 0, reset: async () => {} } },
    feed: () => partial({}),
    adminToken: "admin secret",
    publicUrl: () => "https://chat.example.org",
    health: async () => ({ ok: true, parts: { store: { ok: true } } }),
    metrics: async () => ({ body: "causeway_up 1\n", contentType: "text/plain; version=0.0.4" }),
    stats: async () => ({ connections: 3 }),
    matrix: null,
    matrixAccounts: null,
    bridgeLetters: null,
    webRoot: "/nowhere",
    rateLimits: false,
    stopping: new AbortController().signal,
    logger: { error: () => {}, info: () => {}, warn: () => {} },
    ...options,
  };
}

const nothing = async () => {};
export const UNLIMITED: RequestLimits = {
  ...{ byAddress: nothing, byCaller: nothing, byGuess: nothing, byGuest: nothing },
  hold: () => () => {},
};

export const CALLER = { "Personal-Access-Token": "a token" };
export const ADMIN = { Authorization: "Bearer admin secret" };

/** A folder with the given files, as the build leaves them. */
export function webFolder(files: Record<string, string>): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "causeway-web-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, remove: () => rmSync(path, { recursive: true }) };
}
