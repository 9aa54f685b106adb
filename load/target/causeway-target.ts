/** Causeway as a target: the operator's own server, or one that is started for the run. */
import type { CommonOptions } from "../options.ts";
import { type OwnCausewayOptions, startOwnCauseway } from "./own-causeway.ts";
import { createProvisioning, type Provisioning } from "./provisioning.ts";
import type { Target } from "./target.ts";

export interface CausewayTarget extends Target {
  /** In words, for the report. */
  readonly database: string;
  /** Where it is known and a PostgreSQL. */
  readonly databaseUrl: string | null;
  readonly populate: Provisioning["populate"];
  readonly matrixRoom: Provisioning["matrixRoom"];
}

/** @throws Error when the admin API does not let us in */
export async function causewayTarget(
  options: CommonOptions,
  own: Omit<OwnCausewayOptions, "database" | "cpuProfile"> = {},
): Promise<CausewayTarget> {
  return options.url === undefined ? ownTarget(options, own) : operatorsTarget(options, options.url);
}

async function ownTarget(options: CommonOptions, own: Omit<OwnCausewayOptions, "database" | "cpuProfile">) {
  const server = await startOwnCauseway({
    database: options.embedded ? "embedded" : (options.databaseUrl ?? null),
    cpuProfile: options.cpuProf ? options.out : undefined,
    ...own,
    settings: { ...(options.transport && { TRANSPORT: options.transport }), ...own.settings },
  });
  const provisioning = createProvisioning(server.url, server.adminToken);
  return {
    name: "Causeway",
    url: server.url,
    dialect: "causeway" as const,
    get pids() {
      return { server: server.pid(), database: server.databasePid };
    },
    database: server.database,
    databaseUrl: server.databaseUrl,
    populate: provisioning.populate,
    matrixRoom: provisioning.matrixRoom,
    restart: server.restart,
    stop: async () => {
      // A database that is not ours gets back its old state.
      if (options.databaseUrl !== undefined) await provisioning.remove();
      await server.stop();
    },
  };
}

async function operatorsTarget(options: CommonOptions, url: URL): Promise<CausewayTarget> {
  const { adminToken } = options;
  if (adminToken === undefined)
    throw new Error("--url needs --admin-token (or ADMIN_TOKEN), to make people and rooms");
  const provisioning = createProvisioning(url, adminToken);
  return {
    name: "Causeway",
    url,
    dialect: "causeway",
    pids: { server: options.serverPid ?? null, database: null },
    database: "the server's own",
    databaseUrl: null,
    populate: provisioning.populate,
    matrixRoom: provisioning.matrixRoom,
    stop: provisioning.remove,
  };
}
