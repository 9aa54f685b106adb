/**
 * The store over PostgreSQL. Reading order: this file; append.ts and schema/functions/messages/causeway_append.sql (the heart);
 * transaction.ts with room-writes, event-writes and user-writes; log.ts, rooms.ts, users.ts, logins.ts, tokens.ts;
 * below them database.ts, pool.ts, connection.ts, hosts.ts, failures.ts.
 */
import { randomBytes } from "node:crypto";
import type { Store } from "../domain/ports/store/store.ts";
import { createAvatarStore } from "./accounts/avatars.ts";
import { createCredentialStore } from "./accounts/credentials.ts";
import { createGroupStore } from "./accounts/groups.ts";
import { createIdentityStore } from "./accounts/identities.ts";
import { createLoginStore } from "./accounts/logins.ts";
import { createOrganizationStore } from "./accounts/organizations.ts";
import { createPeopleStore } from "./accounts/people.ts";
import { createTokenStore } from "./accounts/tokens.ts";
import { createUserStore } from "./accounts/users.ts";
import { type Appender, createAppender } from "./log/append.ts";
import { createAttachmentQueries, foldFileUsage } from "./log/attachments.ts";
import { createHiddenMessages } from "./log/hidden.ts";
import { createHistory } from "./log/history.ts";
import { createJournal } from "./log/journal.ts";
import { createLogQueries } from "./log/log.ts";
import { createPublisher } from "./log/publisher.ts";
import { createRepeats, forgetRequests } from "./log/repeats.ts";
import { createThreads } from "./log/threads.ts";
import { createUploadStore } from "./log/uploads.ts";
import { createMessageQueries } from "./messages/messages.ts";
import { createChatroomQueries } from "./rooms/chatrooms.ts";
import { createDeliveredMarkers } from "./rooms/delivered.ts";
import { createMarkers } from "./rooms/markers.ts";
import { createMembershipStore } from "./rooms/memberships.ts";
import { createOpenings } from "./rooms/openings.ts";
import { createReceipts } from "./rooms/receipts.ts";
import { createRoomLists } from "./rooms/room-lists.ts";
import { createRoomQueries } from "./rooms/rooms.ts";
import { createVisitStore, forgetVisits } from "./rooms/visits.ts";
import { startHousekeeping } from "./schema/housekeeping.ts";
import { migrate } from "./schema/migrate.ts";
import { startIndexer } from "./search/indexer.ts";
import { createMessageSearch } from "./search/search.ts";
import { createDatabaseClock } from "./sql/clock.ts";
import type { OpenSocket } from "./sql/connection.ts";
import { counts } from "./sql/counts.ts";
import { type Database, type DatabaseWatch, openDatabase, type StoreLogger } from "./sql/database.ts";
import { repeated } from "./sql/failures.ts";
import { createMonitor, type Monitor } from "./sql/monitor.ts";
import type { Sql } from "./sql/sql.ts";
import { runTransaction } from "./transaction.ts";
import { createWebhookStore } from "./webhooks/webhooks.ts";

export interface StoreOptions {
  /** `postgres://user:password@host:port/database`, with the driver's parameters such as `?sslmode=require`. */
  databaseUrl: string;
  /** Connections of this process. The embedded database always has one. */
  maxConnections: number;
  /** The URL is that of `startEmbedded`: one connection, and housekeeping in place of the server's. */
  embedded?: boolean;
  /** False behind PgBouncer in transaction mode: no prepared statements, and no settings of the session. */
  sessions?: boolean;
  /** Where sockets come from; unset: the network. */
  openSocket?: OpenSocket;
  /** Tells the embedded database from a copy of its folder. */
  place?: string;
  logger?: StoreLogger;
  /** For metrics. */
  watch?: DatabaseWatch;
  /** Sends, read markers, markers of delivery and openings of rooms, each, that may wait for the database before more are refused with `busy`. */
  maxQueued?: number;
  /** After this time the server gives up a statement, and work that waits for a connection is refused. */
  statementTimeoutMs?: number;
  /** A send whose outcome is unknown is tried again for so long. */
  repeatMs?: number;
}

/** The store with its SQL, for the tables of other parts (the bridge's). */
export type PostgresStore = Store & { readonly sql: StoreSql };

export interface StoreSql extends Sql {
  /**
   * Runs `work` in a transaction. After a deadlock or a serialization failure `work` runs again, so it must have no
   * effects outside of the transaction.
   */
  begin<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

/** More lanes make smaller batches. Beyond two, that costs more than parallel waits for the disk gain. */
const APPEND_LANES = 2;
const PING_MS = 2_000;
const TIMEOUT_MS = 5_000;
/** The embedded database has one connection, and a vacuum may hold it. */
const EMBEDDED_TIMEOUT_MS = 60_000;
const CLOSE_GRACE_MS = 3_000;
const START_REPEAT_MS = 15_000;
/**
 * A write that fails as a send would: it needs space on the disk of the data, and waits for its commit. It drops its
 * table in the same transaction.
 */
function probe(): string {
  const table = `causeway_probe_${randomBytes(6).toString("hex")}`;
  return `create table ${table} as select generate_series(1, 5000) as filler; drop table ${table}`;
}

const SILENT: StoreLogger = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Connects, migrates, and serves. Waits 15 s for a database that is just starting.
 * @throws Error that says what to do when the database can't be reached or used
 */
export async function openStore(options: StoreOptions): Promise<PostgresStore> {
  const { embedded = false, logger = SILENT, maxQueued = 20_000, repeatMs = 10_000 } = options;
  const { db, secret, history, monitor, clock, unwatch } = await connect(options);
  const publisher = createPublisher(logger);
  const lanes = Math.min(APPEND_LANES, embedded ? 1 : options.maxConnections);
  const appender = createAppender(db, publisher, { lanes, maxQueued, repeatMs });
  const markers = createMarkers(db, { lanes: 1, maxQueued, repeatMs });
  const delivered = createDeliveredMarkers(db, { maxQueued, repeatMs });
  const openings = createOpenings(db, { maxQueued, repeatMs });
  const housekeeping = startHousekeeping(
    db,
    { embedded, also: [foldFileUsage, forgetRequests, forgetVisits] },
    logger,
  );
  const indexer = startIndexer(db, { isBusy: () => appender.stats().inFlight > 0, logger });
  publisher.listen(indexer.committed);
  return {
    get epoch() {
      return history.epoch;
    },
    history,
    secret,
    clock,
    sql: storeSql(db),
    ...queriesOf(db),
    search: createMessageSearch(db, { unindexed: indexer.unindexed, now: clock.now }),
    log: {
      ...createLogQueries(db),
      append: appender.append,
      markRead: markers.markRead,
      opened: openings.opened,
    },
    receipts: { markDelivered: delivered.mark, of: createReceipts(db) },
    transaction: (work) => runTransaction(db, publisher, work),
    onCommitted: publisher.listen,
    ping: () => db.ping(PING_MS),
    health: monitor.health,
    stats: () => ({ ...appendStats(appender), statements: db.statements(), ...connectionsOf(db) }),
    async close() {
      unwatch();
      const drains = [
        appender.drain(),
        markers.drain(),
        delivered.drain(),
        openings.drain(),
        housekeeping.stop(),
        indexer.stop(),
      ];
      const drained = Promise.all(drains);
      const abort = setTimeout(db.abort, CLOSE_GRACE_MS);
      await drained;
      await db.close();
      clearTimeout(abort);
    },
  };
}

/** The database, migrated, with what watches it: its history, whether it can be written, and its time. */
async function connect(options: StoreOptions) {
  const { databaseUrl: url, embedded = false, logger = SILENT, sessions = true, openSocket, watch } = options;
  const { statementTimeoutMs = embedded ? EMBEDDED_TIMEOUT_MS : TIMEOUT_MS } = options;
  const { secret } = await repeated(START_REPEAT_MS, () => migrate({ url, sessions, logger })).catch(
    (error) => {
      throw unusable(error);
    },
  );
  const history = createHistory({ place: options.place ?? null, logger });
  const db = openDatabase({
    ...{ url, statementTimeoutMs, sessions, openSocket, watch },
    maxConnections: embedded ? 1 : options.maxConnections,
    onNewConnection: history.check,
    observer: { answered: () => monitor.answered(), failed: (error) => monitor.failed(error) },
  });
  const write = () => db.script(probe());
  const monitor: Monitor = createMonitor({ check: db.check, write, watchesAnswers: !embedded, logger });
  const clock = createDatabaseClock(db);
  const unwatch = () => {
    monitor.stop();
    clock.stop();
    history.stop();
  };
  await repeated(START_REPEAT_MS, clock.sync).catch(async (error) => {
    unwatch();
    await db.close();
    throw unusable(error);
  });
  history.watch(db.urgentUncounted);
  return { db, secret, history, monitor, clock, unwatch };
}

/** The parts of the store that need the database and nothing else. */
function queriesOf(db: Database) {
  return {
    rooms: createRoomQueries(db),
    roomLists: createRoomLists(db),
    memberships: createMembershipStore(db),
    chatrooms: createChatroomQueries(db),
    avatars: createAvatarStore(db),
    users: createUserStore(db),
    organizations: createOrganizationStore(db),
    groups: createGroupStore(db),
    tokens: createTokenStore(db),
    logins: createLoginStore(db),
    identities: createIdentityStore(db),
    credentials: createCredentialStore(db),
    journal: createJournal(db),
    messages: { ...createMessageQueries(db), ...createAttachmentQueries(db), ...createHiddenMessages(db) },
    uploads: createUploadStore(db),
    threads: createThreads(db),
    people: createPeopleStore(db),
    repeats: createRepeats(db),
    visits: createVisitStore(db),
    webhooks: createWebhookStore(db),
    counts: () => counts(db),
  };
}

function appendStats(appender: Appender) {
  const { queued, inFlight: inFlightBatches, batches, appended, duplicates, last } = appender.stats();
  return { queued, inFlightBatches, batches, appended, duplicates, lastBatchSize: last };
}

function unusable(cause: Error): Error {
  return new Error(`The database can't be used: ${cause.message}. Check DATABASE_URL and the server`, {
    cause,
  });
}

function connectionsOf(db: Database): { connectionsInUse: number; waiting: number } {
  const { inUse, waiting } = db.pool();
  return { connectionsInUse: inUse, waiting };
}

function storeSql(db: Database): StoreSql {
  return Object.assign(db.sql, { begin: <T>(work: (sql: Sql) => Promise<T>) => db.transaction(work) });
}
