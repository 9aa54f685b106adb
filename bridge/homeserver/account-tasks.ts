/**
 * Carries out the tasks for accounts at the homeserver: deactivating the account of a deleted user, and ending devices and
 * passwords of revoked credentials. Tasks are stored (bridge/store/accounts.ts) and retried until they succeed.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../../src/domain/backoff.ts";
import { DomainError } from "../../src/domain/errors.ts";
import type { Logger } from "../../src/logger.ts";
import { BRIDGE_DEVICE, type Ghosts, localpartOf } from "../mapping/ghosts.ts";
import type { AccountTask, BridgeAccounts } from "../store/accounts.ts";
import type { CredentialProvider } from "./credentials.ts";
import { isUnregistered } from "./errcodes.ts";
import { ANSWER_LIMIT_MS, type Homeserver } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";
import type { Mas } from "./mas.ts";

export interface AccountTasks {
  /** Carries out all due tasks. A failure at the homeserver does not reject; the task is retried later. */
  run(): Promise<void>;
  /**
   * Carries out all tasks of one user, and waits for those that another process has leased. No older task can then end a
   * device or password that is made after this.
   * @throws HomeserverError in an outage; DomainError `unavailable` when another process takes longer than 5 s
   */
  runFor(userId: number): Promise<void>;
}

export interface AccountTasksOptions {
  homeserver: Homeserver;
  ghosts: Ghosts;
  store: Omit<BridgeAccounts, "grant" | "isGranted" | "revoke">;
  provider: CredentialProvider;
  logger: Pick<Logger, "warn">;
}

const PASSWORD_BYTES = 24;
const BATCH = 10;
/** Longer than a task takes. When a process dies, its tasks wait this long. */
const LEASE_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
/** The longest pause during an outage. The pause ends when the homeserver is back. */
const MAX_RETRY_MS = 60_000;
/** The longest pause after refusals: an operator has to change the homeserver's settings first. */
const MAX_REFUSED_RETRY_MS = 60 * 60_000;
const POLL_MS = 50;

/** A random password. As one that nobody is given, it also ends the old password. */
export function newMatrixPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString("base64url");
}

export function createAccountTasks(options: AccountTasksOptions): AccountTasks {
  const { ghosts, store, logger } = options;
  const { mas } = options.provider;
  const handle = mas ? createMasHandlers(mas, options) : createTaskHandlers(options);

  async function attempt(task: AccountTask): Promise<void> {
    try {
      await handle(task);
    } catch (error) {
      const { userId, kind, failures } = task;
      const isTemporary = error instanceof HomeserverError && error.temporary;
      const maxMs = isTemporary ? MAX_RETRY_MS : MAX_REFUSED_RETRY_MS;
      await store.taskFailed(task, backoffMs({ firstMs: FIRST_RETRY_MS, maxMs }, failures));
      if (failures === 0) {
        logger.warn(
          { event: "matrix.account_task_failed", err: error, userId, kind },
          "could not bring an account at the homeserver up to date; trying again",
        );
      }
      throw error;
    }
    await store.taskDone(task);
  }

  return {
    async run() {
      for (let more = true; more; ) {
        const tasks = await store.leaseTasks(BATCH, LEASE_MS);
        more = tasks.length === BATCH;
        for (const task of tasks) await attempt(task).catch(ignoreKnownFailure);
      }
    },
    async runFor(userId) {
      for (const task of await store.leaseTasksOf(userId, LEASE_MS)) {
        await attempt(task).catch((error: unknown) => {
          // A refusal was logged, and must not keep the user from signing in.
          if (!(error instanceof HomeserverError) || error.temporary) throw error;
        });
      }
      const deadline = performance.now() + ANSWER_LIMIT_MS;
      while ((await store.countLeasedTasks(userId)) > 0) {
        if (performance.now() > deadline) {
          const message = `The account ${ghosts.localpart(userId)} is being put right; try again`;
          throw new DomainError("unavailable", message, { retryAfterMs: ANSWER_LIMIT_MS });
        }
        await delay(POLL_MS);
      }
    },
  };
}

function ignoreKnownFailure(error: unknown): void {
  if (!(error instanceof HomeserverError) && !(error instanceof DomainError)) throw error;
}

/** The same tasks where Matrix Authentication Service has the sessions: it deletes their devices at the homeserver. */
function createMasHandlers(mas: Mas, { homeserver, ghosts, store }: AccountTasksOptions) {
  return async ({ userId, kind, device }: AccountTask): Promise<void> => {
    const account = localpartOf(ghosts.ofUser(userId), homeserver);
    const endPassword = async () => {
      await mas.endPassword(account, newMatrixPassword());
      await mas.endSessions(account);
    };
    switch (kind) {
      case "deactivate":
        return await mas.deactivate(account);
      case "end_device":
        return await mas.endTokens(account, device);
      case "end_password":
        return (await store.hasPassword(userId)) ? await mas.endSessions(account) : await endPassword();
      case "end_sessions":
        await endPassword();
        return await mas.endTokens(account, null);
    }
  };
}

/** Carries out a task of each kind. A task that has nothing left to do succeeds. */
function createTaskHandlers({ homeserver, ghosts, store, provider }: AccountTasksOptions) {
  const limits = { timeoutMs: ANSWER_LIMIT_MS };

  /** The ids of the user's devices without the bridge's own; null when there is no account. */
  async function devicesOf(asUser: string): Promise<string[] | null> {
    const path = "/_matrix/client/v3/devices";
    try {
      const { devices } = await homeserver.request<{ devices: { device_id: string }[] }>("GET", path, {
        asUser,
        ...limits,
      });
      return devices.map(({ device_id: id }) => id).filter((id) => id !== BRIDGE_DEVICE);
    } catch (error) {
      if (hasNoAccount(error)) return null;
      throw error;
    }
  }

  async function endDevice(asUser: string, device: string): Promise<void> {
    try {
      const path = `/_matrix/client/v3/devices/${encodeURIComponent(device)}`;
      await homeserver.request("DELETE", path, { asUser, body: {}, ...limits });
    } catch (error) {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND", "M_USER_DEACTIVATED")) return;
      throw error;
    }
  }

  async function endPassword(asUser: string): Promise<void> {
    if (provider.setsPasswords) await provider.setPassword(asUser, newMatrixPassword());
  }

  /** Ends the password before the devices, so that nobody signs in between. */
  async function endSessions(asUser: string): Promise<void> {
    if ((await devicesOf(asUser)) === null) return;
    await endPassword(asUser);
    for (const device of (await devicesOf(asUser)) ?? []) await endDevice(asUser, device);
  }

  /** Devices without a grant were made with a password. */
  async function endPasswordSessions(userId: number, asUser: string): Promise<void> {
    if ((await devicesOf(asUser)) === null) return;
    if (!(await store.hasPassword(userId))) await endPassword(asUser);
    const granted = new Set(await store.grantedDevices(userId));
    for (const device of (await devicesOf(asUser)) ?? [])
      if (!granted.has(device)) await endDevice(asUser, device);
  }

  return async ({ userId, kind, device }: AccountTask): Promise<void> => {
    const asUser = ghosts.ofUser(userId);
    switch (kind) {
      case "deactivate":
        return await deactivate(homeserver, asUser);
      case "end_device":
        return await endDevice(asUser, device);
      case "end_password":
        return await endPasswordSessions(userId, asUser);
      case "end_sessions":
        return await endSessions(asUser);
    }
  };
}

/** Deactivates an account, if it exists and is active. @throws HomeserverError */
async function deactivate(homeserver: Homeserver, asUser: string): Promise<void> {
  try {
    const path = "/_matrix/client/v3/account/deactivate";
    await homeserver.request("POST", path, { asUser, body: { erase: false }, timeoutMs: ANSWER_LIMIT_MS });
  } catch (error) {
    if (!hasNoAccount(error)) throw error;
  }
}

/** Whether the account is deactivated, or was never made. */
function hasNoAccount(error: unknown): boolean {
  if (!(error instanceof HomeserverError)) return false;
  return isUnregistered(error) || error.says("M_FORBIDDEN", "M_USER_DEACTIVATED");
}
