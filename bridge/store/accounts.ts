/**
 * What is to be carried out for people's accounts at the homeserver (schema/migrations/0025-matrix-accounts.sql), and what was
 * made there with which credential. Triggers demand what a revoked credential or a deleted user calls for.
 */
import type { Credential } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";

/**
 * `deactivate`: shut the account down. `end_sessions`: end every device, and the password. `end_device`: end one.
 * `end_password`: end the password, unless another credential has set one since, and the devices that passwords made.
 */
export type AccountTaskKind = "deactivate" | "end_sessions" | "end_device" | "end_password";

export interface AccountTask {
  id: number;
  userId: number;
  kind: AccountTaskKind;
  /** Empty unless one device is to be ended. */
  device: string;
  /** How often it was demanded so far. */
  asked: number;
  failures: number;
}

/** What somebody is given in Matrix: a device, or the account's password. */
export interface Grant {
  userId: number;
  /** Null: the password. */
  device: string | null;
  credential: Credential;
}

export interface BridgeAccounts {
  /** Leases tasks that are due to the caller. */
  leaseTasks(limit: number, leaseMs: number): Promise<AccountTask[]>;
  /** As {@link leaseTasks} for one user's, due or not. */
  leaseTasksOf(userId: number, leaseMs: number): Promise<AccountTask[]>;
  /** How many of the user's tasks somebody is at. */
  countLeasedTasks(userId: number): Promise<number>;
  /** It is carried out; it stays when it was demanded again meanwhile. */
  taskDone(task: AccountTask): Promise<void>;
  taskFailed(task: AccountTask, retryInMs: number): Promise<void>;
  /** The homeserver is back: nothing has to wait any longer, but what failed with it there, too. */
  retryTasks(): Promise<void>;
  /**
   * Notes what is about to be made. Who has more than {@link MAX_DEVICES} devices loses the oldest.
   * @returns false when the credential, or the user, is none any more
   */
  grant(grant: Grant): Promise<boolean>;
  /** Whether it was not revoked since it was noted. */
  isGranted(grant: Grant): Promise<boolean>;
  /** Demands that what was made is ended. */
  revoke(grant: Grant): Promise<void>;
  /** Devices that were handed out with credentials that are valid. */
  grantedDevices(userId: number): Promise<string[]>;
  hasPassword(userId: number): Promise<boolean>;
}

/** Of one person, as handed out. */
export const MAX_DEVICES = 100;
/** So often a task may fail in an outage, and while the homeserver comes back. What fails more often is its own fault. */
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
  /** Only what revokes it can be told from others. */
  const idsOf = (credential: Credential) => ({
    tokenId: credential.via === "token" ? credential.tokenId : null,
    loginId: credential.via === "session" ? credential.loginId : null,
  });

  async function insertGrant({ userId, device, credential }: Grant): Promise<boolean> {
    const { tokenId, loginId } = idsOf(credential);
    // Locked: whoever revokes it at this moment finds the grant.
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
      // Who signs in on a device takes it over.
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
