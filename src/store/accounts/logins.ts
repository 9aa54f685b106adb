/** Statements for signing in, and for login cookies, found by the hash of their secret. */
import type { User } from "../../domain/model.ts";
import type { Login, LoginSession, LoginStore } from "../../domain/ports/store/accounts/credentials.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { columns, foldedKey, noun, type Row, USER } from "../sql/rows.ts";
import { CREDENTIAL_BATCHES, databaseNow } from "./credentials.ts";
import { blockedBy } from "./known-people.ts";

/** Places that are kept of one user's logins. */
const MAX_LOGIN_PLACES = 20;

interface LoginUserRow extends Row {
  password_hash: string | null;
  version: number;
  place_seen_at: number | null;
}
interface JwtUserRow extends Row {
  version: number | null;
  organizations: number[];
  blocked: number[];
  logins_ended_at: number | null;
  deleted_at: number | null;
}

const LOGIN = {
  id: "id",
  userId: "user_id",
  persistent: "persistent",
  startedAt: "started_at",
  expiresAt: "expires_at",
} as const satisfies Record<keyof Login, string>;

export function createLoginStore(db: Database): LoginStore {
  const { sql } = db;
  const loginColumns = columns(sql, "l", LOGIN);
  const now = databaseNow(sql);
  return {
    async create({ userId, passwordHash, hash, persistent, startedAt, expiresAt, origin, ...more }) {
      const { identityId = null, providerSession = null } = origin ?? {};
      const { device = null, address = null, refreshFamily = null } = more;
      // The lock makes a change of the password at this moment end this login, too.
      const [row] = await sql<Row[]>`
        insert into logins as l
          (user_id, hash, persistent, started_at, expires_at, identity_id, provider_session, device, address, refresh_family)
        select u.id, ${hash}, ${persistent}, ${startedAt}, ${expiresAt}, ${identityId}::bigint, ${providerSession},
               ${device}, ${address}, ${refreshFamily}
        from users u
        where u.id = ${userId} and u.deleted_at is null and case when ${identityId}::bigint is null
          then u.password_hash is not distinct from ${passwordHash}
          else exists (select from identities i where i.id = ${identityId}::bigint and i.user_id = u.id) end
        for share of u
        returning ${loginColumns}`;
      return row ? noun<Login>(row, "l", LOGIN) : null;
    },
    async byHash(hash) {
      const [row] = await db.read(sql<Row[]>`
        select ${loginColumns}, ${columns(sql, "u", USER)} from logins l
        join users u on u.id = l.user_id and u.deleted_at is null
        where l.hash = ${hash} and l.expires_at > ${now}`);
      return row ? { ...noun<Login>(row, "l", LOGIN), user: noun(row, "u", USER) } : null;
    },
    userOf: createBatchLoader({ ...CREDENTIAL_BATCHES, read: (ids: number[]) => usersOfLogins(db, ids) }),
    async renew(id, { from, hash, expiresAt }) {
      const { count } = await sql`
        update logins set hash = ${hash}, expires_at = ${expiresAt}
        where id = ${id} and hash = ${from} and expires_at > ${now}`;
      return count > 0;
    },
    async notePlace(userId, place) {
      await sql`
        with noted as (
          insert into login_places (user_id, place) select id, ${place} from users where id = ${userId} and deleted_at is null
          on conflict (user_id, place) do update set seen_at = excluded.seen_at
        )
        delete from login_places where user_id = ${userId} and place in (
          select place from login_places where user_id = ${userId} and place <> ${place}
          order by seen_at desc offset ${MAX_LOGIN_PLACES - 1})`;
    },
    async delete(id) {
      const rows = await sql`
        with gone as (delete from logins where id = ${id} returning user_id),
        touched as (
          update user_heads h set version = h.version + 1 from gone g where h.user_id = g.user_id
        )
        select user_id from gone`;
      return rows.length > 0;
    },
    ...sessionStatements(db),
    async waysOf(userId, loginId) {
      const [row] = await db.read(sql<{ hasPassword: boolean; startedAt: number | null }[]>`
        select u.password_hash is not null as "hasPassword", l.started_at as "startedAt" from users u
        left join logins l on l.id = ${loginId}::bigint and l.user_id = u.id
        where u.id = ${userId} and u.deleted_at is null`);
      return row ?? null;
    },
    async userForLogin(login, place) {
      const key = foldedKey(login);
      // A handle wins over the same text as another user's e-mail.
      const [row] = await db.read(sql<LoginUserRow[]>`
        select ${columns(sql, "u", USER)}, u.password_hash, h.version, p.seen_at as place_seen_at
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
        select ${columns(sql, "u", USER)}, h.version, ${blockedBy(sql)} as blocked, u.logins_ended_at, d.deleted_at,
          array(select m.organization_id from organization_users m where m.user_id = u.id) as organizations
        from (select max(deleted_at) as deleted_at from users where handle_key = ${key} and deleted_at is not null) d
        left join users u on u.handle_key = ${key} and u.deleted_at is null
        left join user_heads h on h.user_id = u.id`);
      const user = row["u.id"] === null ? null : noun<User>(row, "u", USER);
      const { version, organizations, blocked, logins_ended_at: loginsEndedAt, deleted_at: deletedAt } = row;
      return { user, version: version ?? 0, organizations, blocked, loginsEndedAt, deletedAt };
    },
  };
}

interface RefreshRow extends Row {
  hash: string;
  refresh_number: number;
  refreshed_at: number | null;
  refreshed_by: Uint8Array | null;
}

/** Logins as the sessions of their user, and those that are renewed with refresh tokens. */
function sessionStatements(db: Database) {
  const { sql } = db;
  const now = databaseNow(sql);
  return {
    async byRefreshFamily(family) {
      const [row] = await db.read(sql<RefreshRow[]>`
        select ${columns(sql, "l", LOGIN)}, ${columns(sql, "u", USER)}, encode(l.hash, 'hex') as hash, l.refresh_number,
               l.refreshed_at, l.refreshed_by
        from logins l join users u on u.id = l.user_id and u.deleted_at is null
        where l.refresh_family = ${family} and l.expires_at > ${now}`);
      if (!row) return null;
      const {
        hash,
        refresh_number: refreshNumber,
        refreshed_at: refreshedAt,
        refreshed_by: refreshedBy,
      } = row;
      const login = { ...noun<Login>(row, "l", LOGIN), user: noun<User>(row, "u", USER) };
      return { ...login, hash, refreshNumber, refreshedAt, refreshedBy };
    },
    async refresh(id, { number, client, at, expiresAt, address }) {
      const { count } = await sql`
        update logins set refresh_number = refresh_number + 1, refreshed_at = ${at}, refreshed_by = ${client},
          expires_at = ${expiresAt}, seen_at = ${at}, address = ${address}
        where id = ${id} and refresh_number = ${number} and refresh_family is not null and expires_at > ${now}`;
      return count > 0;
    },
    async ofUser(userId, limit) {
      return await db.read(sql<LoginSession[]>`
        select id, device, address, seen_at as "seenAt" from logins
        where user_id = ${userId} and expires_at > ${now} order by seen_at desc, id desc limit ${limit}`);
    },
    async end(userId, which) {
      const some = "id" in which ? sql`id = ${which.id}` : sql`id is distinct from ${which.except}::bigint`;
      const rows = await sql<{ id: number }[]>`
        with gone as (delete from logins where user_id = ${userId} and ${some} returning id),
        touched as (
          update user_heads set version = version + 1 where user_id = ${userId} and exists (select from gone)
        )
        select id from gone`;
      return rows.map(({ id }) => id);
    },
    async noteSeen(seen) {
      await sql`
        update logins l set seen_at = greatest(l.seen_at, s.at), device = coalesce(s.device, l.device),
          address = coalesce(s.address, l.address)
        from unnest(${seen.map(({ id }) => id)}::bigint[], ${seen.map(({ seenAt }) => seenAt)}::bigint[],
                    ${seen.map(({ device }) => device)}::text[], ${seen.map(({ address }) => address)}::text[])
          as s (id, at, device, address)
        where l.id = s.id`;
    },
  } satisfies Partial<LoginStore>;
}

interface LoginRow extends Row {
  login: number;
  hash: string;
  version: number;
  blocked: number[];
}

async function usersOfLogins(
  db: Database,
  ids: number[],
): Promise<Awaited<ReturnType<LoginStore["userOf"]>>[]> {
  const { sql } = db;
  const rows = await db.read(sql<LoginRow[]>`
    select l.id as login, encode(l.hash, 'hex') as hash, ${columns(sql, "u", USER)}, h.version,
           ${blockedBy(sql)} as blocked
    from logins l
    join users u on u.id = l.user_id and u.deleted_at is null
    join user_heads h on h.user_id = u.id
    where l.id = any (${ids}::bigint[]) and l.expires_at > ${databaseNow(sql)}`);
  return byKey(
    ids,
    rows,
    ({ login }) => login,
    ([row]) => {
      if (row === undefined) return null;
      const { version, blocked, hash } = row;
      return { user: noun(row, "u", USER), version, blocked, hash };
    },
  );
}
