/** The database as the store's parts see it: statements on any connection, and transactions on one. */

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

/** What is measured of a database, in seconds. */
export interface DatabaseWatch {
  /** Of a statement, from sending it to its answer. */
  onAnswer(seconds: number): void;
  /** Of work that had to wait for a connection. */
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
  /** Is told how each piece of work went. */
  observer?: { answered(): void; failed(error: unknown): void };
  /**
   * Called on every connection before anything else uses it.
   * @param isNewAfterLoss whether a connection was lost or renewed since this was done last
   */
  greet?(run: Run, isNewAfterLoss: boolean): Promise<void>;
}

/** Runs a statement on a connection of its choosing. */
export type Run = <T extends readonly (object | undefined)[]>(statement: Statement<T>) => Promise<Rows<T>>;

export interface Database {
  /** Each statement runs on a connection of its own choosing, and rejects with `DomainError`. */
  readonly sql: Sql;
  /** Runs a statement that changes nothing; repeated for two seconds while the database is away. */
  read<T extends readonly (object | undefined)[]>(statement: Statement<T>): Promise<Rows<T>>;
  /** As `urgent`, and not among the `statements`: the store's own look at the database now and then. */
  aside: Run;
  /** Runs a statement ahead of those that wait for a connection. Rejects with the raw error. */
  urgent<T extends readonly (object | undefined)[]>(statement: Statement<T>): Promise<Rows<T>>;
  /**
   * Runs `work` in a transaction, with statements that belong to it, and commits. A failed statement undoes all, even
   * when `work` catches its error. Run again as a whole after a deadlock, a serialization failure, or a connection lost
   * before the commit: `work` must have no effects of its own. It must not wait for statements outside of the
   * transaction either: they may need the connection that it holds.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Asks whether the database takes writes. @throws DomainError `unavailable` when not, or without an answer in `ms` */
  ping(ms: number): Promise<void>;
  /** Runs several statements in one text, as one transaction, ahead of those that wait. Rejects with the raw error. */
  script(text: string): Promise<void>;
  /** As `ping`, once. Rejects with the raw error. */
  check(): Promise<void>;
  /** Connections in use, and work that waits for one. */
  pool(): { inUse: number; waiting: number };
  /** How many statements were sent so far, those of transactions (with begin and commit) included. */
  statements(): number;
  /** Waits for what is under way and closes the connections. */
  close(): Promise<void>;
  /** Breaks off what is under way; everything that still waits is refused with `unavailable`. */
  abort(): void;
}

/** Beyond the server's own limit: after that it is not slow but silent. */
const SILENCE_MARGIN_MS = 2_000;
/** How long reads and transactions are tried again: a database that restarts quickly goes unnoticed. */
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
  const unmet = openPool({
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
  const pool = greeted(unmet, options.greet, uncounted);
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

  const run = <T extends readonly (object | undefined)[]>(statement: Statement<T>, urgent: boolean) =>
    use((connection) => connection.run(statement.fragment), { urgent }) as unknown as Promise<Rows<T>>;

  return {
    sql,
    read: (statement) => repeated(REPEAT_MS, () => run(statement, false)).catch(rethrow),
    urgent: (statement) => run(statement, true),
    aside(statement) {
      uncounted();
      return run(statement, true);
    },
    transaction: (work) =>
      repeated(REPEAT_MS, () => use((connection) => inTransaction(language, connection, work))).catch(
        rethrow,
      ),
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

/** The pool, with every connection greeted before its first use. */
function greeted(pool: Pool, greet: DatabaseOptions["greet"], uncounted: () => void): Pool {
  if (!greet) return pool;
  const met = new Set<Connection>();
  async function meet(connection: Connection): Promise<void> {
    const lost = [...met].filter(({ broken }) => broken);
    const run = ((statement) => {
      uncounted();
      return connection.run(statement.fragment);
    }) as Run;
    await greet?.(run, lost.length > 0);
    for (const each of lost) met.delete(each);
    met.add(connection);
  }
  return {
    ...pool,
    use: (work, options) =>
      pool.use(async (connection) => {
        if (!met.has(connection)) await meet(connection);
        return await work(connection);
      }, options),
  };
}

/**
 * Settings that the store's guarantees rest on, whatever the server's defaults are: commits wait for the disk, each
 * statement sees what was committed before it, and nothing waits for ever.
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
    // A statement failed and `work` went on: PostgreSQL would answer COMMIT by rolling back.
    if (failure !== undefined) throw failure;
    await connection.run(language`commit`).catch((error) => {
      throw isAway(error)
        ? new OutcomeUnknown("The connection was lost during commit", { cause: error })
        : error;
    });
    return result;
  } catch (error) {
    // A connection that can't even roll back is of no use; the server undoes the transaction with it.
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
