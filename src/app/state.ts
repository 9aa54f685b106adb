/**
 * Opens the parts that the settings choose: the store (a server or embedded), hot state with its bus (Redis or memory), and
 * the storage of attachments (a folder or S3).
 */
import { join } from "node:path";
import { attachmentsInFolder } from "../attachments/folder.ts";
import { attachmentsInS3, parseS3Url } from "../attachments/s3.ts";
import type { Config } from "../config.ts";
import type { AttachmentFiles } from "../domain/ports/attachments.ts";
import type { Bus } from "../domain/ports/bus.ts";
import type { HotState } from "../domain/ports/hot.ts";
import { createMemoryHot } from "../hot/memory/memory.ts";
import { connectRedisHot } from "../hot/redis/redis.ts";
import type { Logger } from "../logger.ts";
import { startEmbedded } from "../store/embedded/embedded.ts";
import { openStore, type PostgresStore, type StoreOptions } from "../store/postgres.ts";
import type { Lifecycle } from "./lifecycle.ts";

export async function openConfiguredStore(
  config: Config,
  dataDir: string,
  logger: Logger,
  parts: Lifecycle,
  more: Pick<StoreOptions, "watch" | "statementTimeoutMs"> = {},
): Promise<PostgresStore> {
  const embedded = config.DATABASE_URL === undefined;
  let databaseUrl = config.DATABASE_URL ?? "";
  let place: string | undefined;
  if (embedded) {
    const database = await startEmbedded({ dataDir, logger });
    parts.add("embedded database", database.close);
    databaseUrl = database.url;
    place = database.place;
  }
  const store = await openStore({
    databaseUrl,
    embedded,
    ...(place !== undefined && { place }),
    logger,
    ...more,
    maxConnections: config.DATABASE_CONNECTIONS,
    sessions: config.DATABASE_PREPARE === "on",
  });
  parts.add("store", store.close);
  return store;
}

/** @param node the name of this process among the others */
export async function openConfiguredHot(
  config: Config,
  node: string,
  { clock, history }: Pick<PostgresStore, "clock" | "history">,
  logger: Logger,
  parts: Lifecycle,
  onRoundTrip: (seconds: number) => void,
): Promise<{ hot: HotState; bus: Bus }> {
  const { REDIS_URL: url } = config;
  const { hot, bus } =
    url === undefined
      ? createMemoryHot({ now: clock.now, history, logger })
      : await connectRedisHot({ url, logger, node, clock, history, onRoundTrip });
  parts.add("hot state", hot.close);
  parts.add("bus", bus.close);
  return { hot, bus };
}

export function openConfiguredFiles(config: Config, dataDir: string): AttachmentFiles {
  const { ATTACHMENTS_URL: url } = config;
  return url === undefined
    ? attachmentsInFolder(join(dataDir, "attachments"))
    : attachmentsInS3(parseS3Url(url), join(dataDir, "incoming"));
}
