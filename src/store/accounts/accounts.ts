/** People, organizations and groups as they are now. Deleted users are nowhere in the answers. */
import type { OrganizationEvent, OrganizationRole, User } from "../../domain/model.ts";
import type { AccountStore } from "../../domain/ports/store/accounts.ts";
import type { Database } from "../sql/database.ts";
import { columns, foldedKey, noun, ORGANIZATION, type Row, USER } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";

/** Tokens and logins are in credentials.ts. */
export type DirectoryQueries = Omit<
  AccountStore,
  | "createToken"
  | "tokenByHash"
  | "listTokens"
  | "deleteToken"
  | "createLogin"
  | "loginByHash"
  | "userOfLogin"
  | "renewLogin"
  | "deleteLogin"
  | "noteLoginPlace"
  | "deleteExpired"
  | "invalidCredentials"
>;

interface LoginUserRow extends Row {
  password_hash: string | null;
  version: number;
  place_seen_at: number | null;
}
interface JwtUserRow extends Row {
  version: number | null;
  logins_ended_at: number | null;
  deleted_at: number | null;
}

export function createDirectoryQueries(db: Database): DirectoryQueries {
  const { sql } = db;
  const userColumns = columns(sql, "u", USER);
  const users = async (rest: Statement<Row[]>): Promise<User[]> => {
    const rows = await db.read(sql<Row[]>`
      select ${userColumns} from users u where u.deleted_at is null and ${rest}`);
    return rows.map((row) => noun(row, "u", USER));
  };
  return {
    userById: async (id) => (await users(sql`u.id = ${id}`))[0] ?? null,
    usersByIds: (ids) => users(sql`u.id = any (${ids}::bigint[]) order by u.id`),
    userByHandle: async (handle) => (await users(sql`u.handle_key = ${foldedKey(handle)}`))[0] ?? null,
    listUsers: ({ limit, after }) => users(sql`u.id > ${after} order by u.id limit ${limit}`),
    async handles({ search, limit, offset }) {
      const rows = await db.read(sql<{ handle: string }[]>`
        select u.handle from users u
        where u.deleted_at is null and (
          strpos(lower(u.handle), lower(${search})) > 0 or strpos(lower(u.display_name), lower(${search})) > 0)
        order by u.handle_key limit ${limit} offset ${offset}`);
      return rows.map(({ handle }) => handle);
    },
    async userForLogin(login, place) {
      const key = foldedKey(login);
      // A handle wins over an e-mail that somebody else entered with the same text.
      const [row] = await db.read(sql<LoginUserRow[]>`
        select ${userColumns}, u.password_hash, h.version, p.seen_at as place_seen_at
        from users u join user_heads h on h.user_id = u.id
        left join login_places p on p.user_id = u.id and p.place = ${place}
        where u.deleted_at is null and (u.handle_key = ${key} or u.email_key = ${key})
        order by u.handle_key = ${key} desc limit 1`);
      if (!row) return null;
      const { password_hash: passwordHash, version, place_seen_at: placeSeenAt } = row;
      return { user: noun(row, "u", USER), passwordHash, version, placeSeenAt };
    },
    async userForJwt(handle) {
      const key = foldedKey(handle);
      const [row] = await db.read(sql<[JwtUserRow]>`
        select ${userColumns}, h.version, u.logins_ended_at, d.deleted_at
        from (select max(deleted_at) as deleted_at from users where handle_key = ${key} and deleted_at is not null) d
        left join users u on u.handle_key = ${key} and u.deleted_at is null
        left join user_heads h on h.user_id = u.id`);
      const user = row["u.id"] === null ? null : noun<User>(row, "u", USER);
      const { version, logins_ended_at: loginsEndedAt, deleted_at: deletedAt } = row;
      return { user, version: version ?? 0, loginsEndedAt, deletedAt };
    },
    async visibleUsers(userId, ids) {
      const rows = await db.read(sql<{ id: number }[]>`
        select u.id from users u
        where u.id = any (${ids}::bigint[]) and u.deleted_at is null and (
          u.id = ${userId}
          or not exists (
            select from connections k where k.status = 'blocked'
              and (k.user_id, k.peer_id) in ((${userId}::bigint, u.id), (u.id, ${userId}::bigint)))
          and (
            exists (
              select from organization_users a join organization_users b on b.organization_id = a.organization_id
              where a.user_id = ${userId} and b.user_id = u.id)
            or exists (
              select from connections k join connections r on r.user_id = k.peer_id and r.peer_id = k.user_id
              where k.user_id = ${userId} and k.peer_id = u.id and k.status = 'accepted' and r.status = 'accepted')
            or not exists (select from organization_users o where o.user_id in (${userId}, u.id))))
        order by u.id`);
      return rows.map(({ id }) => id);
    },
    async handleDeletedAt(handle) {
      const [row] = await db.read(sql<[{ at: number | null }]>`
        select max(deleted_at) as at from users where handle_key = ${foldedKey(handle)} and deleted_at is not null`);
      return row.at;
    },
    ...organizationQueries(db),
    ...groupQueries(db),
  };
}

function organizationQueries(db: Database) {
  const { sql } = db;
  const organizationColumns = columns(sql, "o", ORGANIZATION);
  return {
    async organizationById(id) {
      const [row] = await db.read(
        sql<Row[]>`select ${organizationColumns} from organizations o where o.id = ${id}`,
      );
      return row ? noun(row, "o", ORGANIZATION) : null;
    },
    async listOrganizations({ limit, after }) {
      const rows = await db.read(sql<Row[]>`
        select ${organizationColumns} from organizations o where o.id > ${after} order by o.id limit ${limit}`);
      return rows.map((row) => noun(row, "o", ORGANIZATION));
    },
    organizationUsers: async (id) => readOrganizationUsers(await db.read(organizationUsersQuery(sql, id))),
    async organizationRole(organizationId, userId) {
      const [row] = await db.read(sql<{ role: OrganizationRole }[]>`
        select role from organization_users where organization_id = ${organizationId} and user_id = ${userId}`);
      return row?.role ?? null;
    },
    async organizationsOf(userId) {
      const rows = await db.read(sql<(Row & { role: OrganizationRole })[]>`
        select ${organizationColumns}, m.role from organization_users m
        join organizations o on o.id = m.organization_id where m.user_id = ${userId} order by o.id`);
      return rows.map((row) => ({ organization: noun(row, "o", ORGANIZATION), role: row.role }));
    },
    async event(organizationId, eventId) {
      const [row] = await db.read(organizationEventQuery(sql, organizationId, eventId));
      return row ?? null;
    },
  } satisfies Partial<AccountStore>;
}

function groupQueries(db: Database) {
  const { sql } = db;
  return {
    async putGroup({ id, name, members }) {
      await db.transaction(async (tx) => {
        await tx`
          insert into groups (id, name) values (${id}, ${name}) on conflict (id) do update set name = excluded.name`;
        await tx`delete from group_members where group_id = ${id}`;
        await tx`
          insert into group_members (group_id, user_id)
          select ${id}, u.id from users u where u.id = any (${members}::bigint[]) and u.deleted_at is null`;
      });
    },
    createGroup: async ({ id, name }) =>
      (await sql`insert into groups (id, name) values (${id}, ${name}) on conflict do nothing`).count > 0,
    async addToGroup(id, userId) {
      const [group] = await sql`
        with found as (select id from groups where id = ${id}),
        added as (
          insert into group_members (group_id, user_id) select id, ${userId} from found on conflict do nothing
        )
        select id from found`;
      return group !== undefined;
    },
    async groupIds({ search, limit, offset }) {
      const rows = await db.read(sql<{ id: string }[]>`
        select g.id from groups g where strpos(lower(g.id), lower(${search})) > 0 or strpos(lower(g.name), lower(${search})) > 0
        order by g.id limit ${limit} offset ${offset}`);
      return rows.map(({ id }) => id);
    },
    async groupsOf(userId) {
      const rows = await sql<{ groupId: string }[]>`
        select group_id as "groupId" from group_members where user_id = ${userId} order by group_id`;
      return rows.map(({ groupId }) => groupId);
    },
    deleteGroup: async (id) => (await sql`delete from groups where id = ${id}`).count > 0,
    async group(id) {
      const [row] = await db.read(sql<{ id: string; name: string; members: number[] }[]>`
        select g.id, g.name,
               array(select m.user_id from group_members m where m.group_id = g.id order by m.user_id) as members
        from groups g where g.id = ${id}`);
      return row ?? null;
    },
  } satisfies Partial<AccountStore>;
}

type OrganizationUserRow = Row & { role: OrganizationRole };

/** The users of an organization with their roles (`ids` narrows), for reads inside and outside of transactions. */
export function organizationUsersQuery(
  sql: Sql,
  organizationId: number,
  ids?: number[],
): Statement<OrganizationUserRow[]> {
  const narrowed = ids === undefined ? sql`` : sql`and m.user_id = any (${ids}::bigint[])`;
  return sql<OrganizationUserRow[]>`
    select ${columns(sql, "u", USER)}, m.role from organization_users m
    join users u on u.id = m.user_id
    where m.organization_id = ${organizationId} ${narrowed} order by u.id`;
}

/** An event of an organization, for reads inside and outside of transactions. */
export function organizationEventQuery(
  sql: Sql,
  organizationId: number,
  eventId: number,
): Statement<OrganizationEvent[]> {
  return sql<OrganizationEvent[]>`
    select e.organization_id as "organizationId", e.event_id as "eventId", e.name, e.ends_at as "endsAt",
           array(select u.user_id from organization_event_users u
                 where u.organization_id = e.organization_id and u.event_id = e.event_id
                 order by u.user_id) as "acceptedUsers"
    from organization_events e where e.organization_id = ${organizationId} and e.event_id = ${eventId}`;
}

export function readOrganizationUsers(
  rows: readonly OrganizationUserRow[],
): { user: User; role: OrganizationRole }[] {
  return rows.map((row) => ({ user: noun(row, "u", USER), role: row.role }));
}
