/**
 * One connection to PostgreSQL. It lives exactly as long as its socket and is then thrown away.
 *
 * The driver's own pool reuses connections after a loss. In version 3.4.9 a transaction whose connection died then goes
 * on inside another's, a write that was buffered at that moment wedges the connection for good, and BEGIN can miss its
 * reservation (porsager/postgres #1154, #1189, #1204, #1208, #1216). One driver instance for each socket prevents all
 * of that: a lost connection stays lost, and its statements fail.
 */
import { connect, type Socket } from "node:net";
import postgres from "postgres";
import { ARRAY_TYPES } from "./array-types.ts";
import { breaksConnection, ConnectionLost } from "./failures.ts";
import type { Attempt, Hosts } from "./hosts.ts";
import type { Fragment, Rows } from "./sql.ts";

export interface ConnectionOptions {
  /** `postgres://…`; `?host=/folder` names a Unix socket's folder, as in libpq. */
  url: string;
  /** Which of the URL's hosts to take. */
  hosts: Hosts;
  /**
   * Settings of the session, such as `statement_timeout`. They go as statements, because PgBouncer refuses most of them
   * as start-up parameters. Empty where a connection is no session: other clients would get the settings, too.
   */
  settings: Record<string, string | number>;
  /** Prepares each statement once per connection. False where a connection is no session. */
  prepare: boolean;
  /** A statement that gets no answer for so long ends the connection: the server hangs, or the network is cut. */
  silenceMs: number;
  /** Called for each statement that is sent. */
  onStatement?: () => void;
  /** Where sockets come from; unset: the network. */
  openSocket?: OpenSocket;
  /** Called with the duration of each statement, answered or failed. */
  onAnswer?: ((seconds: number) => void) | undefined;
}

export type OpenSocket = (address: { host: string; port: number } | { path: string }) => Socket;

interface Target {
  host: string[];
  port: number[];
}

export interface Connection {
  /** Runs a statement; a late answer ends the connection. @throws `ConnectionLost` or `PostgresError` */
  run(fragment: Fragment): Promise<Rows<postgres.Row[]>>;
  /** Runs several statements in one text, as one transaction when the text does not begin its own. */
  script(text: string): Promise<void>;
  /** Asks the server whether it takes writes. @throws `ConnectionLost` when it does not; the connection is then ended */
  check(): Promise<void>;
  /** True once the connection is unusable. */
  readonly broken: boolean;
  /** When it was opened, by `performance.now()`. */
  readonly since: number;
  /** Ends an unused connection in the orderly way. */
  close(): void;
  /** Breaks the connection and fails the statements that run on it. */
  kill(): void;
}

const GOODBYE_MS = 1_000;
const CONNECT_MS = 3_000;
/** The answer is "on" from a standby, and where `default_transaction_read_only` is on. */
const SHOW_READ_ONLY = "show transaction_read_only";

/** An instance of the driver, with its one socket. */
interface DriverInstance {
  readonly driver: postgres.Sql;
  readonly attempt: Attempt;
  socket?: Socket;
}

/** Makes a connection. Its first statement opens the socket, to a server that takes writes. */
export function openConnection(options: ConnectionOptions): Connection {
  const { hosts } = options;
  let broken = false;
  /** The instance that is being tried, then the one that is used. */
  let current: DriverInstance | undefined;
  let opened = false;

  function newInstance(attempt: Attempt): DriverInstance {
    const { url, folder } = parseUrl(options.url, attempt.host);
    const driver = postgres(url, {
      ...DRIVER_OPTIONS,
      prepare: options.prepare,
      connection: { application_name: "causeway" },
      onclose: () => {
        if (opened) kill();
      },
      // The driver takes its sockets from here. Its typings do not have this option.
      socket: async (target: Target) => {
        if (broken || made.socket) throw lost();
        made.socket = newSocket(target, folder, options.openSocket ?? connect);
        await connected(made.socket);
        return made.socket;
      },
    } as postgres.Options<Record<string, postgres.PostgresType>>);
    const made: DriverInstance = { driver, attempt };
    return made;
  }

  function kill(): void {
    if (opened && !broken && current) hosts.lost(current.attempt);
    broken = true;
    current?.socket?.destroy();
  }

  function close(): void {
    // Over TLS the driver would also write its goodbye to a destroyed socket, which is an error without a listener.
    if (broken) return;
    broken = true;
    // Nobody waits for a server that does not answer the goodbye.
    current?.driver.end({ timeout: 0 }).catch(() => {});
    current?.socket?.setTimeout(GOODBYE_MS, () => current?.socket?.destroy());
  }

  /** Tries the hosts in turn. No statement was sent yet, so trying the next host is safe. */
  async function open(): Promise<postgres.Sql> {
    let failure = hosts.failure;
    for (let attempt = hosts.next(); attempt && !broken; attempt = hosts.next()) {
      current = newInstance(attempt);
      try {
        await requireWritable(current.driver, options.settings);
        hosts.worked(attempt);
        opened = true;
        return current.driver;
      } catch (error) {
        current.socket?.destroy();
        hosts.failed(attempt, error);
        failure = error;
      }
    }
    broken = true;
    throw failure ?? lost();
  }

  async function answered<T>(query: (driver: postgres.Sql) => Promise<T>): Promise<T> {
    if (broken) throw lost();
    let silent = false;
    const silence = setTimeout(() => {
      silent = true;
      kill();
    }, options.silenceMs);
    try {
      return await query(opened && current ? current.driver : await open());
    } catch (error) {
      if (breaksConnection(error)) kill();
      if (silent)
        throw new ConnectionLost(`No answer within ${options.silenceMs} ms`, { cause: error }, "slow");
      if (isLoss(error)) throw new ConnectionLost(error.message, { cause: error });
      throw error;
    } finally {
      clearTimeout(silence);
    }
  }

  return {
    async run(fragment) {
      options.onStatement?.();
      const since = performance.now();
      try {
        return await answered((driver) => driver`${fragment}`);
      } finally {
        options.onAnswer?.((performance.now() - since) / 1_000);
      }
    },
    script: (text) => answered(async (driver) => void (await driver.unsafe(text))),
    check: () => answered((driver) => requireWritable(driver, {})),
    close,
    kill,
    since: performance.now(),
    get broken() {
      return broken;
    },
  };
}

/** Makes the session's settings, and checks in the same round trip that the server takes writes. */
async function requireWritable(driver: postgres.Sql, settings: ConnectionOptions["settings"]): Promise<void> {
  const sets = Object.entries(settings).map(([name, value]) => `set ${name} = '${value}'; `);
  const results = (await driver.unsafe(sets.join("") + SHOW_READ_ONLY)) as unknown[];
  const last = (sets.length === 0 ? results : results.at(-1)) as { transaction_read_only: string }[];
  if (last[0]?.transaction_read_only === "off") return;
  throw new ConnectionLost(
    "The database server takes no writes: it is read-only or a standby",
    {},
    "read_only",
  );
}

/** A driver instance that builds statements and never connects. */
export function statementLanguage(): postgres.Sql {
  return postgres({ ...DRIVER_OPTIONS, host: "localhost" });
}

const DRIVER_OPTIONS = {
  max: 1,
  /** Seconds, from the open socket to the session. */
  connect_timeout: 5,
  // Connections are renewed by the pool, between statements.
  max_lifetime: null,
  onnotice: () => {},
  // The driver would ask for the array types in a query of its own, whose failure no caller could catch.
  fetch_types: false,
  // Every int64 of ours stays below 2^53.
  types: { bigint: { to: 20, from: [20], parse: Number, serialize: String }, ...ARRAY_TYPES },
} as const satisfies postgres.Options<Record<string, postgres.PostgresType>>;

/** The error listener is there from the first moment: EMFILE comes in the same turn of the event loop. */
function newSocket(target: Target, folder: string | null, open: OpenSocket): Socket {
  const [host = "localhost"] = target.host;
  const [port = 5432] = target.port;
  const socket = folder === null ? open({ host, port }) : open({ path: `${folder}/.s.PGSQL.${port}` });
  socket.on("error", () => {});
  socket.setNoDelay(true);
  // The driver reads the name for TLS from here.
  return Object.assign(socket, { host, port });
}

async function connected(socket: Socket): Promise<void> {
  const timer = setTimeout(() => socket.destroy(new Error("connecting took too long")), CONNECT_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(lost()));
    });
  } catch (error) {
    throw new ConnectionLost(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function lost(): ConnectionLost {
  return new ConnectionLost("The connection to the database was lost");
}

/** How many hosts a URL names. */
export function hostCount(url: string): number {
  return (/^[a-z]+:\/\/(?:[^@/?]*@)?([^/?]*)/.exec(url)?.[1] ?? "").split(",").length;
}

/**
 * The URL for the driver: with one host of its list (the driver waits for ever when it tries several with sockets that
 * are not its own), and without libpq's `?host=/folder`, which the driver would send to the server as a parameter.
 */
function parseUrl(text: string, host: number): { url: string; folder: string | null } {
  const url = text.replace(/^([a-z]+:\/\/(?:[^@/?]*@)?)([^/?]*)/, (_, before: string, list: string) => {
    const hosts = list.split(",");
    return before + hosts[host];
  });
  const found = /([?&])host=((?:%2f|\/)[^&]*)&?/i.exec(url);
  if (!found) return { url, folder: null };
  const [part, before, folder] = found as unknown as [string, string, string];
  return { url: url.replace(part, before), folder: decodeURIComponent(folder) };
}

/** The driver itself finds these mistakes in a statement. Its other errors are about the connection. */
const STATEMENT_MISTAKES = ["UNDEFINED_VALUE", "NOT_TAGGED_CALL", "MAX_PARAMETERS_EXCEEDED"];

function isLoss(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof postgres.PostgresError) return false;
  return "code" in error && !STATEMENT_MISTAKES.includes(String(error.code));
}
