/** A process of the program without its composition root: a real store, hot state, the domain, and HTTP where it is asked for. */
import { createUseCases, type DomainOptions } from "../src/domain/assembly/domain.ts";
import type { DomainSettings } from "../src/domain/context/context.ts";
import type { Bus } from "../src/domain/ports/bus.ts";
import type { HotState } from "../src/domain/ports/hot.ts";
import type { UseCases } from "../src/domain/use-cases/use-cases.ts";
import { createMemoryHot } from "../src/hot/memory/memory.ts";
import { createHttpApp, type HttpOptions } from "../src/http/app.ts";
import type { HttpHandler } from "../src/http/face/face.ts";
import { createLogger } from "../src/logger.ts";
import { openStore, type PostgresStore } from "../src/store/postgres.ts";

interface Hot {
  hot: HotState;
  bus: Bus;
}

/** What a test puts in place of the defaults. */
export interface TestAppParts extends Partial<Omit<DomainOptions, "store" | "hot" | "bus" | "settings">> {
  databaseUrl: string;
  /** 5 unless given. */
  maxConnections?: number;
  /** What the domain sees of the store. */
  store?: (store: PostgresStore) => PostgresStore;
  /** In memory unless given. `close` closes what a function opened; what is given ready-made is the caller's to close. */
  hot?: Hot | ((store: PostgresStore) => Hot | Promise<Hot>);
  settings?: Partial<DomainSettings>;
}

export interface TestApp extends Hot {
  store: PostgresStore;
  useCases: UseCases;
  /** Another domain over the same store and hot state, as a second process has one. */
  another(options?: Partial<DomainOptions>): UseCases;
  http(options: Pick<HttpOptions, "publicUrl"> & Partial<HttpOptions>): HttpHandler;
  close(): Promise<void>;
}

const SETTINGS: DomainSettings = { passwordMinLength: 1, rateLimits: false };
const silent = createLogger("silent");

export async function testApp(parts: TestAppParts): Promise<TestApp> {
  const { databaseUrl, maxConnections = 5, store: seen, hot: given, settings, ...domain } = parts;
  const { logger = silent } = domain;
  const opened = await openStore({ databaseUrl, maxConnections, logger });
  const store = seen?.(opened) ?? opened;
  const isOurs = given === undefined || typeof given === "function";
  const { hot, bus } = await (typeof given === "function" ? given(store) : (given ?? createMemoryHot()));
  const options: DomainOptions = {
    ...{ ...domain, store, hot, bus, logger },
    settings: { ...SETTINGS, ...settings },
  };
  const useCases = createUseCases(options);
  return {
    ...{ store, hot, bus, useCases },
    another: (more = {}) => createUseCases({ ...options, ...more }),
    http: (more) => createHttpApp({ ...HTTP, useCases, hot, storeHealth: store.health, ...more }),
    async close() {
      if (isOurs) {
        await bus.close();
        await hot.close();
      }
      await store.close();
    },
  };
}

const HTTP: Omit<HttpOptions, "useCases" | "hot" | "storeHealth" | "publicUrl"> = {
  feed: () => {
    throw new Error("nobody waits for live news in these tests");
  },
  adminToken: null,
  health: async () => ({ ok: true, parts: {} }),
  metrics: async () => ({ body: "", contentType: "text/plain" }),
  stats: async () => ({}),
  matrix: null,
  matrixAccounts: null,
  bridgeLetters: null,
  webRoot: "/nowhere",
  rateLimits: false,
  stopping: new AbortController().signal,
  logger: silent,
};
