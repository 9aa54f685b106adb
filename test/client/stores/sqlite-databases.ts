/** Databases in the shapes of expo-sqlite and op-sqlite, over an SQLite that runs in Node. */
import sqlite from "node-sqlite3-wasm";
import type { ExpoDatabase, OpDatabase } from "../../../src/client/stores/sqlite.ts";

export function expoDatabase(path: string): ExpoDatabase {
  const database = new sqlite.Database(path);
  return {
    getAllAsync: async (sql, parameters) => database.all(sql, parameters),
    withExclusiveTransactionAsync: (work) =>
      inTransaction(database, () =>
        work({ runAsync: async (sql, parameters) => database.run(sql, parameters) }),
      ),
    closeAsync: async () => database.close(),
  };
}

export function opDatabase(path: string): OpDatabase {
  const database = new sqlite.Database(path);
  return {
    execute: async (sql, parameters) => ({
      rows: database.all(sql, parameters) as Record<string, unknown>[],
    }),
    executeBatch: (statements) =>
      inTransaction(database, async () => {
        for (const [sql, parameters] of statements) database.run(sql, parameters);
      }),
    close: () => database.close(),
  };
}

async function inTransaction(
  database: InstanceType<typeof sqlite.Database>,
  work: () => Promise<void>,
): Promise<void> {
  database.run("begin");
  try {
    await work();
    database.run("commit");
  } catch (error) {
    database.run("rollback");
    throw error;
  }
}
