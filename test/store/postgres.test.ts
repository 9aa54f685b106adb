import { openStore } from "../../src/store/postgres.ts";
import { startPostgres } from "../services/postgres.ts";
import { storeContract } from "./contract/contract.ts";

const logger = { info: () => {}, warn: console.warn, error: console.error };

storeContract("PostgreSQL", async () => {
  const server = await startPostgres();
  const store = await openStore({ databaseUrl: await server.createDatabase(), maxConnections: 10, logger });
  return {
    store,
    async close() {
      await store.close();
      await server.stop();
    },
  };
});
