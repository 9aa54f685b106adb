/** The database for the parts of the store: statements on any connection, and transactions on one connection. */

import type postgres from "postgres";
import type { Logger } from "../../logger.ts";
import {
  type Connection,
  hostCount,
  type OpenSocket,
  openConnection,
  statementLanguage,
} from "./connection.ts";
import { asDomainError, databaseAway, isAway, isCrossed, OutcomeUnknown, repeated } from "./failures.ts";
import { createHosts } from "./hosts.ts";
import { openPool, type Pool } from "./pool.ts";
import { createSql, type Rows, type Sql, type Statement } from "./sql.ts";

export type StoreLogger = Pick<Logger, "info" | "warn" | "error">;

/** Durations for the metrics, in seconds. */
export interface DatabaseWatch {
  /** A statement, from sending it to its answer. */
  onAnswer(seconds: number): void;
  /** The wait of work that found no free connection. */
  onWait(seconds: number): void;
}

export interface DatabaseOptions {
  watch?: DatabaseWatch | undefined;
  url: string;
  maxConnections: number;
  /** The server gives up a statement after this time; the client does so {@link SILENCE_MARGIN_MS} later. */
  statementTimeoutMs: number;
  /** False behind PgBouncer in transaction mode: no prepared statements, and no settings of the session. */
  sessions?: boolean;
  /** Where sockets come from; unset: the network. */
  openSocket?: OpenSocket | undefined;
  /** Called after each piece of work. */
  observer?: { answered(): void; failed(error: unknown): void };
  /**
   * Called on every new connection, before its first use.
   * @param isAfterLoss whether a connection was lost or renewed since the last call
   */
  onNewConnection?(run: Run, isAfterLoss: boolean): Promise<void>;
}

/** Runs a statement; the implementation chooses the connection. */
export type Run = <T extends readonly (object | undefined)[]>(statement: Statement<T>) => Promise<Rows<T>>;

export interface Database {
  /** Each statement runs on any free connection, and rejects with `DomainError`. */
  readonly sql: Sql;
  /** Runs a statement that changes nothing; repeated for two seconds while the database is away. */
  read<T extends readonly (object | undefined)[]>(statement: Statement<T>): Promise<Rows<T>>;
  /** As `urgent`, but not counted in `statements`: for the store's own periodic look at the database. */
  urgentUncounted: Run;
  /** Runs a statement ahead of all work that waits for a connection. Rejects with the raw error. */
  urgent<T extends readonly (object | undefined)[]>(statement: Statement<T>): Promise<Rows<T>>;
  /**
   * Runs `work` in a transaction and commits. A failed statement undoes everything, even when `work` catches the error.
   * After a deadlock, a serialization failure, or a connection lost before the commit, `work` runs again: it must have
   * no effects outside of the transaction. It must not wait for statements outside of the transaction either: they may
   * need the connection that it holds.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** As `read` and `transaction`, but not counted in `statements`: for what the store does by itself. */
  readonly background: Pick<Database, "read" | "transaction">;
  /** Checks that the database takes writes. @throws DomainError `unavailable` when not, or without an answer in `ms` */
  ping(ms: number): Promise<void>;
  /** Runs several statements in one text, as one transaction, ahead of waiting work. Rejects with the raw error. */
  script(text: string): Promise<void>;
  /** As `ping`, but without repetition. Rejects with the raw error. */
  check(): Promise<void>;
  /** The connections in use, and the pieces of work that wait for one. */
  pool(): { inUse: number; waiting: number };
  /** The number of statements that were sent so far, with those of transactions, begin and commit included. */
  statements(): number;
  /** Waits for the work under way, then closes the connections. */
  close(): Promise<void>;
  /** Breaks off the work under way, and refuses waiting work with `unavailable`. */
  abort(): void;
}

/** Added to the server's own limit. A server that passes both hangs, or can't be reached. */
const SILENCE_MARGIN_MS = 2_000;
/** Reads and transactions are tried again for so long, so that users do not notice a quick restart of the database. */
const REPEAT_MS = 2_000;
const CONNECTION_MAX_AGE_MS = 45 * 60_000;

export function openDatabase(options: DatabaseOptions): Database {
  const language = statementLanguage();
  const silenceMs = options.statementTimeoutMs + SILENCE_MARGIN_MS;
  const { url, sessions = true, openSocket } = options;
  const settings = sessions ? sessionSettings(options.statementTimeoutMs) : {};
  const hosts = createHosts(hostCount(url));
  let statements = 0;
  const onStatement = () => {
    statements++;
  };
  const bare = openPool({
    max: options.maxConnections,
    waitMs: options.statementTimeoutMs,
    maxAgeMs: CONNECTION_MAX_AGE_MS,
    onWait: options.watch?.onWait,
    connect: () =>
      openConnection({
        ...{ url, hosts, settings, prepare: sessions, silenceMs, onStatement },
        onAnswer: options.watch?.onAnswer,
        ...(openSocket && { openSocket }),
      }),
  });
  const uncounted = () => {
    statements--;
  };
  const pool = withNewConnections(bare, options.onNewConnection, uncounted);
  const { observer } = options;
  const use: Pool["use"] = async (work, how) => {
    try {
      const result = await pool.use(work, how);
      observer?.answered();
      return result;
    } catch (error) {
      observer?.failed(error);
      throw error;
    }
  };
  const sql = createSql(language, (fragment) => use((connection) => connection.run(fragment)).catch(rethrow));

  const aside = (connection: Connection): Connection => {
    const run: Connection["run"] = (fragment) => {
      uncounted();
      return connection.run(fragment);
    };
    return Object.create(connection, { run: { value: run } });
  };
  const repeatedly = <T>(work: (connection: Connection) => Promise<T>) =>
    repeated(REPEAT_MS, () => use(work)).catch(rethrow);

  const urgent = <T extends readonly (object | undefined)[]>(statement: Statement<T>) =>
    use((connection) => connection.run(statement.fragment), { urgent: true }) as unknown as Promise<Rows<T>>;

  return {
    sql,
    read: (statement) => repeatedly((connection) => connection.run(statement.fragment)) as never,
    urgent,
    urgentUncounted(statement) {
      uncounted();
      return urgent(statement);
    },
    transaction: (work) => repeatedly((connection) => inTransaction(language, connection, work)),
    background: {
      read: (statement) => repeatedly((connection) => aside(connection).run(statement.fragment)) as never,
      transaction: (work) => repeatedly((connection) => inTransaction(language, aside(connection), work)),
    },
    ping: (ms) =>
      answerWithin(
        ms,
        repeated(ms, () => use((connection) => connection.check(), { urgent: true })),
      ),
    script: (text) => use((connection) => connection.script(text), { urgent: true }),
    check: () => use((connection) => connection.check(), { urgent: true }),
    pool: pool.stats,
    statements: () => statements,
    close: pool.end,
    abort: pool.abort,
  };
}

/** The pool, with `onNewConnection` called on every connection before its first use. */
function withNewConnections(
  pool: Pool,
  onNewConnection: DatabaseOptions["onNewConnection"],
  uncounted: () => void,
): Pool {
  if (!onNewConnection) return pool;
  const known = new Set<Connection>();
  async function begin(connection: Connection): Promise<void> {
    const lost = [...known].filter(({ broken }) => broken);
    const run = ((statement) => {
      uncounted();
      return connection.run(statement.fragment);
    }) as Run;
    await onNewConnection?.(run, lost.length > 0);
    for (const each of lost) known.delete(each);
    known.add(connection);
  }
  return {
    ...pool,
    use: (work, options) =>
      pool.use(async (connection) => {
        if (!known.has(connection)) await begin(connection);
        return await work(connection);
      }, options),
  };
}

/**
 * The store's guarantees need these settings, so the server's defaults do not count: commits wait for the disk, each
 * statement sees everything that was committed before it, and every wait has an end.
 */
function sessionSettings(statementTimeoutMs: number): Record<string, string | number> {
  return {
    synchronous_commit: "on",
    default_transaction_isolation: "read committed",
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    jit: "off",
  };
}

async function inTransaction<T>(
  language: postgres.Sql,
  connection: Connection,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  let over = false;
  const tx = createSql(language, async (fragment) => {
    if (over) throw new Error("The transaction is over; await its statements inside it");
    return await connection.run(fragment).catch((error) => {
      failure ??= error;
      throw asDomainError(error);
    });
  });
  try {
    await tx`begin`;
    const result = await work(tx);
    // A statement failed and `work` went on. PostgreSQL would answer COMMIT with a rollback.
    if (failure !== undefined) throw failure;
    await connection.run(language`commit`).catch((error) => {
      throw isAway(error)
        ? new OutcomeUnknown("The connection was lost during commit", { cause: error })
        : error;
    });
    return result;
  } catch (error) {
    // A connection that can't roll back is killed; the server then undoes the transaction.
    if (!connection.broken) await connection.run(language`rollback`).catch(() => connection.kill());
    throw isCrossed(failure) || isAway(failure) ? failure : error;
  } finally {
    over = true;
  }
}

function rethrow(error: unknown): never {
  throw asDomainError(error);
}

async function answerWithin(ms: number, answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(databaseAway(new Error(`No answer within ${ms} ms`))), ms);
  });
  try {
    await Promise.race([answer, late]);
  } catch (error) {
    throw asDomainError(error);
  } finally {
    clearTimeout(timer);
  }
}
