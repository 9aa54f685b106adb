/**
 * The bridge worker: carries the log of each chatroom to its Matrix room (the portal), and what people do there back.
 *
 * Reading order: this file; room-handlers.ts; worker/room-turn.ts (the work on one room); outbound/outbound.ts, writes.ts and
 * delivery.ts (the log to Matrix); inbound/inbox.ts, apply-inbox.ts, inbound.ts and arrivals.ts (Matrix to the log, and its
 * files); worker/homeserver-connection.ts and reconciler.ts (after an outage of the homeserver); rooms/ (Matrix rooms and their
 * members); store/ (the bridge's tables).
 *
 * Any number of workers share the rooms. A worker claims a room in the database, works on it for one room turn, and
 * releases it. All progress is in the database: when a worker dies, another claims its rooms and continues.
 */
import type { Registry } from "prom-client";
import { channels, type Subscriptions } from "../src/domain/ports/bus.ts";
import type { UseCases } from "../src/domain/use-cases/use-cases.ts";
import { createAccountTasks } from "./homeserver/account-tasks.ts";
import { type CredentialProviderChoice, createCredentialProvider } from "./homeserver/credentials.ts";
import { createGhostAccounts } from "./homeserver/ghost-accounts.ts";
import { type Homeserver, observeFailures } from "./homeserver/homeserver.ts";
import { refuseOpenRegistration } from "./homeserver/open-registration.ts";
import { createPictures } from "./homeserver/pictures.ts";
import { createAppservice } from "./inbound/appservice.ts";
import { createInbox } from "./inbound/inbox.ts";
import { createLive } from "./live/live.ts";
import { createGhosts, type Ghosts } from "./mapping/ghosts.ts";
import { type BridgeCounts, newCounts, registerMetrics } from "./metrics.ts";
import { createGhostProfiles } from "./profile/ghost-profiles.ts";
import { createRoomHandlers, type RoomParts } from "./room-handlers.ts";
import { createSpaces } from "./rooms/spaces.ts";
import { type BridgeStore, createBridgeStore } from "./store/bridge-store.ts";
import type { Backlog } from "./store/changes.ts";
import { createHomeserverConnection } from "./worker/homeserver-connection.ts";
import { ALIVE_MS, startPeriodicJobs } from "./worker/periodic-jobs.ts";
import { createReconciler } from "./worker/reconciler.ts";
import { createRoomQueue } from "./worker/room-queue.ts";
import { createRoomTurn, type WaitingRooms } from "./worker/room-turn.ts";

export interface BridgeOptions extends RoomParts {
  bus: Subscriptions;
  useCases: RoomParts["useCases"] & Pick<UseCases, "presence">;
  /** Whether read markers go to Matrix and come from there. Default: yes. */
  receipts?: boolean;
  /** Whether who is online goes to Matrix and comes from there. Default: no. */
  presence?: boolean;
  homeserver: Homeserver;
  /** The version of Matrix that new rooms have. Default: {@link ROOM_VERSION}. */
  roomVersion?: string;
  /** The way to set passwords of Matrix accounts. Default: `synapse-admin`. */
  credentials?: CredentialProviderChoice;
  registry: Registry;
  /** Interval of the scan for rooms whose hint was lost, ms. */
  scanMs?: number;
  /** Interval of the search for events that the homeserver did not deliver, ms. */
  reconcileMs?: number;
}

export interface Bridge {
  /** Answers the homeserver's requests, `/_matrix/app/v1/…`. */
  handle(request: Request): Promise<Response>;
  /** `ok` when the homeserver answers us, delivers to us, and no proxy answers instead of it. */
  health(): Promise<{ ok: boolean; detail?: string }>;
  stats(): BridgeStats;
  /** Call this when the homeserver has restarted: the bridge fetches the events that it had only in memory. */
  homeserverRestarted(): void;
  /** Stops within 3 s. Another worker, or the next start, continues unfinished work. */
  stop(): Promise<void>;
}

interface BridgeStats extends BridgeCounts, Backlog {
  connected: boolean;
}

/** Rooms that one worker works on at once. A homeserver takes 30 to 50 events/s in all, and each room's one by one. */
const PARALLEL_ROOMS = 12;
const SCAN_MS = 5_000;
const RECONCILE_MS = 30_000;
/** Ids of rooms since version 12 have no server name, which many clients of Matrix do not take yet. */
const ROOM_VERSION = "11";
const STOP_GRACE_MS = 1_500;

/** Starts the worker. The homeserver need not be up: the worker waits for it in the background. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { bus, node } = options;
  const store = createBridgeStore(options.store.sql);
  const stopping = new AbortController();
  const counts = newCounts();
  // Before the first claim: other workers take the rooms of a worker without a heartbeat.
  await store.heartbeat(node, ALIVE_MS);
  const { ghosts, inbox, queue, connection, jobs, waiting, live, arrivals } = startWorker(
    options,
    store,
    counts,
    stopping.signal,
  );
  const offChange = options.store.history.onChange(() =>
    connection.lost("The database has another history: a backup, or a replica that lacked the end"),
  );
  const onHint = (message: Uint8Array) => {
    // While the homeserver is away hints are dropped; the scan finds their rooms when it is back.
    if (connection.connected) for (const id of roomIdsIn(message)) queue.wake(id);
  };
  await bus.subscribe(channels.bridge, onHint);
  await bus.subscribe(channels.bridgeLive, live.onNews);
  bus.onGap(jobs.scanSoon);
  const connected = () => connection.connected;
  const outage = () => [...waiting.values()].find(({ away }) => away);
  registerMetrics(options.registry, counts, {
    connected,
    away: () => !connected() || outage() !== undefined,
    backlog: jobs.backlog,
    waiting: () => waiting.size,
  });
  const { hsToken } = options.homeserver.registration;

  return {
    handle: createAppservice({ hsToken, ghosts, inbox, live, counts, logger: options.logger }),
    async health() {
      const health = connection.health();
      const reason = outage()?.reason;
      return health.ok && reason !== undefined ? { ok: false, detail: reason } : health;
    },
    stats: () => ({ ...counts, ...jobs.backlog(), connected: connection.connected }),
    homeserverRestarted: () => connection.lost("The homeserver has restarted"),
    async stop() {
      offChange();
      await bus.unsubscribe(channels.bridge, onHint);
      await bus.unsubscribe(channels.bridgeLive, live.onNews);
      const grace = setTimeout(() => stopping.abort(), STOP_GRACE_MS);
      await Promise.all([queue.stop(), jobs.stop(), live.stop()]);
      clearTimeout(grace);
      stopping.abort();
      await Promise.all([connection.done(), arrivals.done()]);
      await store.retire(node);
    },
  };
}

/** Puts together the room queue, the connection to the homeserver and the periodic jobs. */
function startWorker(options: BridgeOptions, store: BridgeStore, counts: BridgeCounts, signal: AbortSignal) {
  const { node, logger } = options;
  const homeserver = observeFailures(options.homeserver, {
    signal,
    onFailure: (error) => {
      if (error.status === 429) counts.rateLimited++;
      if (error.away) connection.lost(error.message);
    },
  });
  const ghosts = createGhosts({ ...homeserver.registration, serverName: homeserver.serverName });
  const people = createPeople(options, store, homeserver, ghosts);
  const { accounts, updateProfile } = people;
  const wake = (id: number) => queue.wake(id, true);
  const connected = () => connection.connected;
  const roomVersion = () => connection.roomVersion;
  const inbox = createInbox({ store, ghosts, counts, wake });
  const provider = createCredentialProvider(options.credentials ?? "synapse-admin", homeserver);
  const profileChanged = () => jobs.profilesSoon();
  const matrix = { options, store, counts, homeserver, ghosts, mas: provider.mas, ...people };
  const live = createLive({
    ...{ store, accounts, ghosts, connected, counts, logger },
    ...{ messages: options.useCases.messages, presence: options.useCases.presence },
    receipts: options.receipts ?? true,
    shareOnline: options.presence ?? false,
    profileChanged,
  });
  const worker = { inbox, wake, connected, roomVersion, live, profileChanged };
  const handlers = createRoomHandlers({ ...matrix, ...worker });
  const waiting: WaitingRooms = new Map();
  const roomTurn = createRoomTurn({ node, store, connected, counts, waiting, logger, ...handlers });
  const queue = createRoomQueue(PARALLEL_ROOMS, roomTurn);
  const reconciler = createReconciler({ accounts, ghosts, store, inbox, counts, logger, signal });
  const { reconcileMs = RECONCILE_MS, scanMs = SCAN_MS, roomVersion: wanted = ROOM_VERSION } = options;
  const onConnected = () => {
    jobs.reconnected();
    void live.catchUp(null);
    void live.connected();
  };
  const connection = createHomeserverConnection({
    ...{ homeserver, ghosts, reconciler, onConnected, logger, signal, reconcileMs },
    ...{ check: () => refuseOpenRegistration(homeserver, signal), roomVersion: wanted },
  });
  const runAccountTasks = createAccountTasks({ homeserver, ghosts, store, provider, logger }).run;
  const { arrivals } = handlers;
  const jobs = startPeriodicJobs({
    ...{ node, store, queue, connected, updateProfile, runAccountTasks, scanMs, logger },
    carryFiles: arrivals.run,
    answerInvitations: handlers.invitations.run,
    syncSpaces: createSpaces({ homeserver, accounts, ghosts, store, roomVersion, logger }).run,
  });
  return { ghosts, inbox, queue, connection, jobs, waiting, live, arrivals };
}

/** The members' accounts at the homeserver, and how they look there. */
function createPeople(
  { store: { avatars } }: BridgeOptions,
  store: BridgeStore,
  homeserver: Homeserver,
  ghosts: Ghosts,
) {
  const accounts = createGhostAccounts(homeserver, ghosts, store, async (member) => {
    for (const user of await store.changedGhosts(1, member)) await updateProfile(user);
  });
  const pictures = createPictures(accounts, ghosts, store, avatars);
  const updateProfile = createGhostProfiles({ accounts, ghosts, store, pictures });
  return { accounts, pictures, updateProfile };
}

/** The room ids in a hint, which is text with numbers in it. The scan makes up for lost and garbled hints. */
function roomIdsIn(message: Uint8Array): number[] {
  return (
    Buffer.from(message)
      .toString()
      .match(/\d{1,15}/g) ?? []
  ).map(Number);
}
