/**
 * Tasks for users' accounts at the homeserver, and grants: which device or password was made for which credential
 * (schema/migrations/0025-matrix-accounts.sql). Triggers add the tasks of revoked credentials and deleted users.
 */
import type { Credential } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

/**
 * `deactivate`: deactivate the account. `end_sessions`: delete every device and reset the password. `end_device`: delete one
 * device. `end_password`: reset the password, unless another credential set one since, and delete devices made with one.
 */
export type AccountTaskKind = "deactivate" | "end_sessions" | "end_device" | "end_password";

export interface AccountTask {
  id: number;
  userId: number;
  kind: AccountTaskKind;
  /** Set for `end_device`, else empty. */
  device: string;
  /** How often the task was requested. A number that grew during the work means that the task has to be repeated. */
  asked: number;
  failures: number;
}

/** Access to a Matrix account that a credential gave: a device, or the account's password. */
export interface Grant {
  userId: number;
  /** Null stands for the password. */
  device: string | null;
  credential: Credential;
}

export interface BridgeAccounts {
  /** Leases due tasks to the caller, for `leaseMs`. */
  leaseTasks(limit: number, leaseMs: number): Promise<AccountTask[]>;
  /** Leases all tasks of one user that nobody has leased, due or not. */
  leaseTasksOf(userId: number, leaseMs: number): Promise<AccountTask[]>;
  /** How many of the user's tasks are leased. */
  countLeasedTasks(userId: number): Promise<number>;
  /** Removes a task that was carried out, unless it was requested again since it was leased. */
  taskDone(task: AccountTask): Promise<void>;
  /** Counts a failure and ends the lease. The task is due again in `retryInMs`. */
  taskFailed(task: AccountTask, retryInMs: number): Promise<void>;
  /** Call this when the homeserver is back: tasks that failed because of the outage become due. */
  retryTasks(): Promise<void>;
  /**
   * Stores a grant before the device or password is made. Beyond {@link MAX_DEVICES} the user's oldest devices are ended.
   * @returns false when the credential was revoked or the user deleted
   */
  grant(grant: Grant): Promise<boolean>;
  /** Whether the grant still stands. */
  isGranted(grant: Grant): Promise<boolean>;
  /** Adds the task that ends the device or password of a grant. */
  revoke(grant: Grant): Promise<void>;
  /** The devices of all grants that stand. */
  grantedDevices(userId: number): Promise<string[]>;
  hasPassword(userId: number): Promise<boolean>;
}

/** Devices of one user that were granted. */
export const MAX_DEVICES = 100;
/** A task that failed more often than this does not fail because of an outage: it keeps its pause. */
const OUTAGE_FAILURES = 5;

export function createBridgeAccounts(sql: StoreSql): BridgeAccounts {
  return { ...createTasks(sql), ...createGrants(sql) };
}

type Tasks = Pick<
  BridgeAccounts,
  "leaseTasks" | "leaseTasksOf" | "countLeasedTasks" | "taskDone" | "taskFailed" | "retryTasks"
>;

function createTasks(sql: StoreSql): Tasks {
  const taken = sql.unsafe(`t.id, t.user_id as "userId", t.kind, t.device, t.asked, t.failures`);
  return {
    async leaseTasks(limit, leaseMs) {
      return await sql<AccountTask[]>`
        update bridge_account_tasks t set leased_until = causeway_now() + ${leaseMs}::bigint
        where t.id in (
          select id from bridge_account_tasks
          where retry_at <= causeway_now() and leased_until <= causeway_now()
          order by retry_at, id limit ${limit} for update skip locked)
        returning ${taken}`;
    },
    async leaseTasksOf(userId, leaseMs) {
      const tasks = await sql<AccountTask[]>`
        update bridge_account_tasks t set leased_until = causeway_now() + ${leaseMs}::bigint
        where t.user_id = ${userId} and t.leased_until <= causeway_now()
        returning ${taken}`;
      return [...tasks].sort((a, b) => a.id - b.id);
    },
    async countLeasedTasks(userId) {
      const [row] = await sql<[{ leased: number }]>`
        select count(*) as leased from bridge_account_tasks
        where user_id = ${userId} and leased_until > causeway_now()`;
      return row.leased;
    },
    async taskDone({ id, asked }) {
      await sql`
        with done as (delete from bridge_account_tasks where id = ${id} and asked = ${asked})
        update bridge_account_tasks set leased_until = 0 where id = ${id} and asked <> ${asked}`;
    },
    async taskFailed({ id }, retryInMs) {
      await sql`
        update bridge_account_tasks
        set leased_until = 0, failures = failures + 1, retry_at = causeway_now() + ${retryInMs}::bigint
        where id = ${id}`;
    },
    async retryTasks() {
      await sql`
        update bridge_account_tasks set retry_at = 0
        where retry_at > causeway_now() and failures <= ${OUTAGE_FAILURES}`;
    },
  };
}

type Grants = Omit<BridgeAccounts, keyof Tasks>;

function createGrants(sql: StoreSql): Grants {
  /** The ids of a token or login. Other credentials have none, because nothing revokes them one by one. */
  const idsOf = (credential: Credential) => ({
    tokenId: credential.via === "token" ? credential.tokenId : null,
    loginId: credential.via === "session" ? credential.loginId : null,
  });

  async function insertGrant({ userId, device, credential }: Grant): Promise<boolean> {
    const { tokenId, loginId } = idsOf(credential);
    // Locks the credential, so that a revocation at this moment finds the grant.
    const holder =
      tokenId !== null
        ? sql`join tokens c on c.id = ${tokenId} and c.user_id = u.id`
        : loginId !== null
          ? sql`join logins c on c.id = ${loginId} and c.user_id = u.id`
          : sql``;
    const rows = await sql`
      insert into bridge_grants (user_id, device, token_id, login_id)
      select u.id, ${device ?? ""}, ${tokenId}::bigint, ${loginId}::bigint from users u ${holder}
      where u.id = ${userId} and u.deleted_at is null
      for share
      on conflict (user_id, device, coalesce(token_id, 0), coalesce(login_id, 0)) do update set made_at = causeway_now()
      returning 1`;
    return rows.length > 0;
  }

  return {
    async grant(grant) {
      if (!(await insertGrant(grant))) return false;
      const { userId, device, credential } = grant;
      if (device === null) return true;
      const { tokenId, loginId } = idsOf(credential);
      // The last credential that signs in on a device owns it.
      await sql`
        delete from bridge_grants where user_id = ${userId} and device = ${device}
          and (token_id is distinct from ${tokenId}::bigint or login_id is distinct from ${loginId}::bigint)`;
      await sql`
        with surplus as (
          delete from bridge_grants where user_id = ${userId} and device in (
            select device from bridge_grants where user_id = ${userId} and device <> ''
            order by made_at desc, device offset ${MAX_DEVICES})
          returning device
        )
        select causeway_demand(${userId}, 'end_device', device) from surplus`;
      return true;
    },
    async isGranted({ userId, device, credential }) {
      const { tokenId, loginId } = idsOf(credential);
      const rows = await sql`
        select from bridge_grants
        where user_id = ${userId} and device = ${device ?? ""}
          and token_id is not distinct from ${tokenId}::bigint and login_id is not distinct from ${loginId}::bigint`;
      return rows.length > 0;
    },
    async revoke({ userId, device }) {
      const kind = device === null ? "end_password" : "end_device";
      await sql`
        select causeway_demand(u.id, d.kind, case d.kind when 'deactivate' then '' else ${device ?? ""} end)
        from users u
        cross join lateral (select case when u.deleted_at is null then ${kind} else 'deactivate' end as kind) d
        where u.id = ${userId}`;
    },
    async grantedDevices(userId) {
      const rows = await sql<{ device: string }[]>`
        select distinct device from bridge_grants where user_id = ${userId} and device <> ''`;
      return rows.map(({ device }) => device);
    },
    async hasPassword(userId) {
      const rows = await sql`select from bridge_grants where user_id = ${userId} and device = '' limit 1`;
      return rows.length > 0;
    },
  };
}
