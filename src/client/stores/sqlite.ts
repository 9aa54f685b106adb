/** A store in an SQLite database, which a small driver reaches: {@link expoSqlite} and {@link opSqlite} are two. */
import { type RangeQuery, type Row, type Store, TABLES, type Table, type Write } from "./store.ts";

export type Statement = [sql: string, parameters: (string | number)[]];

export interface SqliteDriver {
  /** The rows that a query finds; each has the columns by their names. */
  query(sql: string, parameters: (string | number)[]): Promise<Record<string, unknown>[]>;
  /** Carries out statements in one transaction. */
  transaction(statements: readonly Statement[]): Promise<void>;
  close(): Promise<void>;
}

/** What is used of a database that `openDatabaseAsync` of expo-sqlite gives. */
export interface ExpoDatabase {
  getAllAsync(sql: string, parameters: (string | number)[]): Promise<unknown[]>;
  withExclusiveTransactionAsync(
    work: (transaction: {
      runAsync(sql: string, parameters: (string | number)[]): Promise<unknown>;
    }) => Promise<void>,
  ): Promise<void>;
  closeAsync(): Promise<void>;
}

/** The driver for expo-sqlite. */
export function expoSqlite(database: ExpoDatabase): SqliteDriver {
  return {
    query: async (sql, parameters) =>
      (await database.getAllAsync(sql, parameters)) as Record<string, unknown>[],
    transaction: (statements) =>
      database.withExclusiveTransactionAsync(async (transaction) => {
        for (const [sql, parameters] of statements) await transaction.runAsync(sql, parameters);
      }),
    close: () => database.closeAsync(),
  };
}

/** What is used of a database that `open` of op-sqlite gives. */
export interface OpDatabase {
  execute(sql: string, parameters: (string | number)[]): Promise<{ rows: Record<string, unknown>[] }>;
  /** Runs in one transaction. */
  executeBatch(statements: Statement[]): Promise<unknown>;
  close(): void;
}

/** The driver for op-sqlite. */
export function opSqlite(database: OpDatabase): SqliteDriver {
  return {
    query: async (sql, parameters) => (await database.execute(sql, parameters)).rows,
    transaction: async (statements) => {
      await database.executeBatch([...statements]);
    },
    close: async () => database.close(),
  };
}

/** Makes its tables when it is first used. Their names begin with `causeway_`, so the database may hold others. */
export function sqliteStore(driver: SqliteDriver): Store {
  let ready: Promise<void> | null = null;
  /** Transactions of one connection can't overlap. */
  let turn: Promise<void> = Promise.resolve();
  const open = () => {
    ready ??= driver.transaction(TABLES.map((table) => [createTable(table), []])).catch((error: unknown) => {
      ready = null;
      throw error;
    });
    return ready;
  };
  return {
    async get(table, key) {
      await open();
      const [row] = await driver.query(`select value from ${nameOf(table)} where key = ?`, [key]);
      return row?.value as string | undefined;
    },
    async range(table, which = {}) {
      await open();
      const found = await driver.query(...selectRange(table, which));
      return found.map(({ key, value }): Row => [key as string, value as string]);
    },
    batch(writes) {
      const done = turn.then(open).then(() => driver.transaction(writes.map(statementOf)));
      turn = done.catch(() => undefined);
      return done;
    },
    close: () => turn.then(() => driver.close()),
  };
}

// SQLite compares texts by their UTF-8, and JavaScript by their UTF-16: both are the same for the ASCII of keys.
function createTable(table: Table): string {
  return `create table if not exists ${nameOf(table)} (key text primary key, value text not null) without rowid`;
}

function nameOf(table: Table): string {
  return `causeway_${table}`;
}

function selectRange(table: Table, { from, to, limit, reverse }: RangeQuery): Statement {
  const bounds = [
    ...(from === undefined ? [] : [["key >= ?", from] as const]),
    ...(to === undefined ? [] : [["key <= ?", to] as const]),
  ];
  const where = bounds.length > 0 ? ` where ${bounds.map(([condition]) => condition).join(" and ")}` : "";
  const order = ` order by key${reverse ? " desc" : ""}`;
  const most = limit === undefined ? "" : " limit ?";
  const parameters = [...bounds.map(([, key]) => key), ...(limit === undefined ? [] : [limit])];
  return [`select key, value from ${nameOf(table)}${where}${order}${most}`, parameters];
}

function statementOf(write: Write): Statement {
  const table = nameOf(write.table);
  if ("from" in write) return [`delete from ${table} where key between ? and ?`, [write.from, write.to]];
  if (write.value === null) return [`delete from ${table} where key = ?`, [write.key]];
  return [
    `insert into ${table} (key, value) values (?, ?) on conflict (key) do update set value = excluded.value`,
    [write.key, write.value],
  ];
}
