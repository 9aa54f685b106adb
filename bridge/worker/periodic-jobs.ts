/** What the worker does by the clock: showing that it is alive, and finding what no hint told it. */
import { isUnavailable } from "../../src/domain/errors.ts";
import type { Logger } from "../../src/logger.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { Backlog } from "../store/changes.ts";
import type { RoomQueue } from "./room-queue.ts";

export interface PeriodicJobs {
  /** The homeserver is back: nothing waits any longer. */
  reconnected(): void;
  /** Looks for rooms with something to do, now. */
  scanSoon(): void;
  /** As of the last round. */
  backlog(): Backlog;
  stop(): Promise<void>;
}

export interface PeriodicJobsOptions {
  node: string;
  store: Pick<
    BridgeStore,
    | "heartbeat"
    | "recordChangedRooms"
    | "dueRooms"
    | "roomsToSyncMembers"
    | "backlog"
    | "changedGhosts"
    | "purgeInbox"
    | "retryNow"
    | "retryTasks"
  >;
  queue: RoomQueue;
  connected: () => boolean;
  /** Tells the homeserver a user's new name. */
  rename: (userId: number, displayName: string) => Promise<void>;
  /** Carries out what waits for people's accounts. */
  runAccountTasks: () => Promise<void>;
  scanMs: number;
  logger: Pick<Logger, "warn">;
}

/** A worker that says nothing for so long is dead, and its rooms are free. */
export const ALIVE_MS = 10_000;
const HEARTBEAT_MS = 3_000;
/** People who were handed credentials wait for their rooms. */
const PROMPT_MS = 500;
const SCAN_LIMIT = 1_000;
const MAX_RENAMES = 50;
const PURGE_MS = 60 * 60_000;
/** How long an event that was dealt with is remembered: homeservers deliver some again, days later. */
const REMEMBER_MS = 7 * 24 * 60 * 60_000;

export function startPeriodicJobs(options: PeriodicJobsOptions): PeriodicJobs {
  const { node, store, queue, connected, scanMs, logger } = options;
  let backlog: Backlog = { outbox: 0, lagMs: 0, inbox: 0 };

  async function scan(): Promise<void> {
    // Rooms are made and mirrored when the homeserver is there; what came from it is applied in any case.
    await store.recordChangedRooms();
    const due = await store.dueRooms(SCAN_LIMIT, connected());
    for (const id of due) queue.wake(id);
    backlog = await store.backlog();
    if (connected()) {
      for (const { userId, displayName } of await store.changedGhosts(MAX_RENAMES))
        await options.rename(userId, displayName);
    }
  }

  async function wakeForMemberSync(): Promise<void> {
    if (!connected()) return;
    for (const id of await store.roomsToSyncMembers(SCAN_LIMIT)) queue.wake(id, true);
  }

  const heartbeats = startJob("heartbeat", HEARTBEAT_MS, () => store.heartbeat(node, ALIVE_MS), logger);
  const scans = startJob("scan of rooms", scanMs, scan, logger);
  const memberSyncs = startJob("look for people to let in", PROMPT_MS, wakeForMemberSync, logger);
  const accounts = startJob(
    "look for accounts to put right",
    PROMPT_MS,
    async () => {
      if (connected()) await options.runAccountTasks();
    },
    logger,
  );
  const purges = startJob("purge of the inbox", PURGE_MS, () => store.purgeInbox(REMEMBER_MS), logger);

  return {
    scanSoon: scans.soon,
    backlog: () => backlog,
    reconnected() {
      store.retryNow().then(scans.soon, scans.soon);
      store.retryTasks().then(accounts.soon, accounts.soon);
    },
    async stop() {
      await Promise.all([heartbeats, scans, memberSyncs, accounts, purges].map((job) => job.stop()));
    },
  };
}

/** Runs `work` at once and then again and again, never twice at a time. A failure is logged once until it is over. */
function startJob(
  name: string,
  everyMs: number,
  work: () => Promise<void>,
  logger: Pick<Logger, "warn">,
): { soon: () => void; stop: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let wanted = false;
  let failing = false;
  let stopped = false;

  async function once(): Promise<void> {
    try {
      await work();
      failing = false;
    } catch (error) {
      if (!failing && !isUnavailable(error))
        logger.warn(
          { event: "bridge.job_failed", err: error, job: name },
          "a periodic job of the bridge failed; trying again",
        );
      failing = true;
    }
  }

  function run(): void {
    clearTimeout(timer);
    if (stopped) return;
    wanted = running !== null;
    running ??= once().finally(() => {
      running = null;
      if (wanted) run();
      else if (!stopped) timer = setTimeout(run, everyMs).unref();
    });
  }

  run();
  return {
    soon: run,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
