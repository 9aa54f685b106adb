/** The worker's periodic jobs: heartbeats, scans for rooms and accounts with work, and a purge of the inbox. */
import { isUnavailable } from "../../src/domain/errors.ts";
import type { Logger } from "../../src/logger.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { Backlog } from "../store/changes.ts";
import type { ChangedGhost } from "../store/members.ts";
import type { RoomQueue } from "./room-queue.ts";

export interface PeriodicJobs {
  /** Call this when the homeserver is back: ends the pauses before retries. */
  reconnected(): void;
  /** Scans for rooms with work now instead of at the next interval. */
  scanSoon(): void;
  /** Looks for users with another name or picture now instead of at the next interval. */
  profilesSoon(): void;
  /** The backlog at the last scan. */
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
    | "purgeInvitations"
    | "retryNow"
    | "retryTasks"
  >;
  queue: RoomQueue;
  connected: () => boolean;
  /** Gives a user's ghost the user's new name and picture. */
  updateProfile: (user: ChangedGhost) => Promise<void>;
  /** Carries out due tasks for accounts at the homeserver. */
  runAccountTasks: () => Promise<void>;
  /** Goes on with files of messages from Matrix that are on their way. */
  carryFiles: () => Promise<void>;
  /** Answers invitations of ghosts to rooms that were made in Matrix. */
  answerInvitations: () => Promise<void>;
  /** Brings the spaces of organizations in line. */
  syncSpaces: () => Promise<void>;
  scanMs: number;
  logger: Pick<Logger, "warn">;
}

/** A worker without a heartbeat for this long counts as dead, and its rooms are free. */
export const ALIVE_MS = 10_000;
const HEARTBEAT_MS = 3_000;
/** Interval of jobs that somebody waits for: a user with new Matrix credentials waits for their rooms. */
const PROMPT_MS = 500;
/** Spaces are compared with their organizations once in so many scans: it looks at all of them. */
const SCANS_PER_LOOK_AT_SPACES = 3;
const SCAN_LIMIT = 1_000;
const MAX_PROFILES = 50;
const PURGE_MS = 60 * 60_000;
/** How long the inbox remembers an applied event: homeservers deliver some events again days later. */
const REMEMBER_MS = 7 * 24 * 60 * 60_000;

export function startPeriodicJobs(options: PeriodicJobsOptions): PeriodicJobs {
  const { node, store, queue, connected, scanMs, logger } = options;
  let backlog: Backlog = { outbox: 0, lagMs: 0, inbox: 0, waiting: 0, deadLetters: 0 };

  async function scan(): Promise<void> {
    // Events from Matrix are applied also while the homeserver is away; everything else needs it.
    await store.recordChangedRooms();
    const due = await store.dueRooms(SCAN_LIMIT, connected());
    for (const id of due) queue.wake(id);
    backlog = await store.backlog();
  }

  /** One profile that the homeserver does not take now keeps no other from being told. */
  async function updateProfiles(): Promise<void> {
    if (!connected()) return;
    const failures: unknown[] = [];
    for (const user of await store.changedGhosts(MAX_PROFILES)) {
      if (!connected()) return;
      await options.updateProfile(user).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  async function wakeForMemberSync(): Promise<void> {
    for (const id of await store.roomsToSyncMembers(SCAN_LIMIT)) queue.wake(id, true);
  }

  async function purge(): Promise<void> {
    await store.purgeInbox(REMEMBER_MS);
    await store.purgeInvitations(REMEMBER_MS);
  }

  /** A job that needs the homeserver. */
  const atHomeserver = (name: string, everyMs: number, work: () => Promise<void>) =>
    startJob(name, everyMs, async () => (connected() ? await work() : undefined), logger);

  const heartbeats = startJob("heartbeat", HEARTBEAT_MS, () => store.heartbeat(node, ALIVE_MS), logger);
  const scans = startJob("scan of rooms", scanMs, scan, logger);
  const profiles = startJob("look for changed profiles", scanMs, updateProfiles, logger);
  const memberSyncs = atHomeserver("look for people to let in", PROMPT_MS, wakeForMemberSync);
  const accounts = atHomeserver("look for accounts to put right", PROMPT_MS, options.runAccountTasks);
  const files = atHomeserver("look for files on their way", PROMPT_MS, options.carryFiles);
  const invitations = atHomeserver("look for invitations", PROMPT_MS, options.answerInvitations);
  const spaces = atHomeserver(
    "look for spaces to change",
    SCANS_PER_LOOK_AT_SPACES * scanMs,
    options.syncSpaces,
  );
  const purges = startJob("purge of the inbox", PURGE_MS, purge, logger);

  return {
    scanSoon: scans.soon,
    profilesSoon: profiles.soon,
    backlog: () => backlog,
    reconnected() {
      store.retryNow().then(scans.soon, scans.soon);
      profiles.soon();
      store.retryTasks().then(accounts.soon, accounts.soon);
    },
    async stop() {
      await Promise.all(
        [heartbeats, scans, profiles, memberSyncs, accounts, files, invitations, spaces, purges].map((job) =>
          job.stop(),
        ),
      );
    },
  };
}

/**
 * Runs `work` at once and then `everyMs` after each end, never twice at a time. Of failures in a row the first is logged.
 * @returns `soon` runs the work now, or once more after the run under way
 */
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
