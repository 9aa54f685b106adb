/**
 * One connection to PostgreSQL. It lives exactly as long as its socket and is then thrown away.
 *
 * The driver's own pool takes connections up again after a loss, and there (3.4.9) a transaction whose connection died
 * goes on inside another's, a write that was buffered at that moment wedges the connection for good, and BEGIN can
 * miss its reservation (porsager/postgres #1154, #1189, #1204, #1208, #1216). With one driver instance for each
 * socket none of that can happen: what is lost stays lost, and says so.
 */
import { connect, type Socket } from "node:net";
import postgres from "postgres";
import { breaksConnection, ConnectionLost } from "./failures.ts";
import type { Fragment, Rows } from "./sql.ts";

export interface ConnectionOptions {
  /** `postgres://…`; `?host=/folder` names a Unix socket's folder, as in libpq. */
  url: string;
  /** Which of the URL's hosts to take, counted round. */
  turn: number;
  /** Run-time parameters of the session, such as `statement_timeout`. */
  parameters: Record<string, string | number>;
  /** A statement without any answer for so long ends the connection: the server hangs, or the network is cut. */
  silenceMs: number;
  /** Called for each statement that is sent. */
  onStatement?: () => void;
}

interface Target {
  host: string[];
  port: number[];
}

export interface Connection {
  /** Runs a statement; ends the connection when it is not answered in time. Throws `ConnectionLost` or `PostgresError`. */
  run(fragment: Fragment): Promise<Rows<postgres.Row[]>>;
  /** Runs several statements in one text, as one transaction when the text does not begin its own. */
  script(text: string): Promise<void>;
  /** True once the connection can't be used any more. */
  readonly broken: boolean;
  /** When it was opened, by `performance.now()`. */
  readonly since: number;
  /** Ends an unused connection in the orderly way. */
  close(): void;
  /** Breaks the connection, and with it what runs on it. */
  kill(): void;
}

const GOODBYE_MS = 1_000;

/** Makes a connection; it opens its socket with the first statement. */
export function openConnection(options: ConnectionOptions): Connection {
  let broken = false;
  let socket: Socket | undefined;
  const { url, folder } = parseUrl(options.url, options.turn);
  const driver = postgres(url, {
    ...DRIVER_OPTIONS,
    connection: options.parameters as postgres.ConnectionParameters,
    onclose: () => {
      broken = true;
    },
    // Not in the driver's typings: where its sockets come from.
    socket: (target: Target) => {
      if (broken || socket) throw new ConnectionLost("The connection to the database was lost");
      socket = openSocket(target, folder);
      return socket;
    },
  } as postgres.Options<Record<string, postgres.PostgresType>>);

  function kill(): void {
    broken = true;
    socket?.destroy();
  }

  function close(): void {
    // Over TLS the driver would say goodbye to a destroyed socket as well, and nobody would hear the error.
    if (broken) return;
    broken = true;
    // A server that does not hear the goodbye is not waited for.
    driver.end({ timeout: 0 }).catch(() => {});
    socket?.setTimeout(GOODBYE_MS, () => socket?.destroy());
  }

  async function answered<T>(query: () => Promise<T>): Promise<T> {
    if (broken) throw new ConnectionLost("The connection to the database was lost");
    options.onStatement?.();
    const silence = setTimeout(kill, options.silenceMs);
    try {
      return await query();
    } catch (error) {
      if (breaksConnection(error)) kill();
      if (isLoss(error)) throw new ConnectionLost(error.message, { cause: error });
      throw error;
    } finally {
      clearTimeout(silence);
    }
  }

  return {
    run: (fragment) => answered(() => driver`${fragment}`),
    script: (text) => answered(async () => void (await driver.unsafe(text))),
    close,
    kill,
    since: performance.now(),
    get broken() {
      return broken;
    },
  };
}

/** A driver instance that is only used to build statements. */
export function statementLanguage(): postgres.Sql {
  return postgres({ ...DRIVER_OPTIONS, host: "localhost" });
}

const DRIVER_OPTIONS = {
  max: 1,
  /** Seconds. */
  connect_timeout: 5,
  // Connections are renewed by the pool, between statements.
  max_lifetime: null,
  onnotice: () => {},
  // Every int64 of ours stays below 2^53.
  types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
} as const satisfies postgres.Options<Record<string, postgres.PostgresType>>;

function openSocket(target: Target, folder: string | null): Socket {
  const [host = "localhost"] = target.host;
  const [port = 5432] = target.port;
  const socket = folder === null ? connect({ host, port }) : connect(`${folder}/.s.PGSQL.${port}`);
  socket.setNoDelay(true);
  // The driver reads the name for TLS from here.
  return Object.assign(socket, { host, port });
}

/**
 * The URL for the driver: with one host of its list (the driver waits for ever when it tries several with sockets that
 * are not its own), and without libpq's `?host=/folder`, which the driver would send to the server as a parameter.
 */
function parseUrl(text: string, turn: number): { url: string; folder: string | null } {
  const url = text.replace(/^([a-z]+:\/\/(?:[^@/?]*@)?)([^/?]*)/, (_, before: string, list: string) => {
    const hosts = list.split(",");
    return before + hosts[turn % hosts.length];
  });
  const found = /([?&])host=((?:%2f|\/)[^&]*)&?/i.exec(url);
  if (!found) return { url, folder: null };
  const [part, before, folder] = found as unknown as [string, string, string];
  return { url: url.replace(part, before), folder: decodeURIComponent(folder) };
}

/** Mistakes in a statement that the driver finds itself; everything else that it raises is about the connection. */
const STATEMENT_MISTAKES = ["UNDEFINED_VALUE", "NOT_TAGGED_CALL", "MAX_PARAMETERS_EXCEEDED"];

function isLoss(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof postgres.PostgresError) return false;
  return "code" in error && !STATEMENT_MISTAKES.includes(String(error.code));
}
