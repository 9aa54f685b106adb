/** Statements for signing in, and for login cookies, found by the hash of their secret. */
import type { User } from "../../domain/model.ts";
import type { Login, LoginStore } from "../../domain/ports/store/accounts/credentials.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { columns, foldedKey, noun, type Row, USER } from "../sql/rows.ts";
import { CREDENTIAL_BATCHES, databaseNow } from "./credentials.ts";

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
    async create({ userId, passwordHash, hash, persistent, startedAt, expiresAt, origin }) {
      const { identityId = null, providerSession = null } = origin ?? {};
      // The lock makes a change of the password at this moment end this login, too.
      const [row] = await sql<Row[]>`
        insert into logins as l (user_id, hash, persistent, started_at, expires_at, identity_id, provider_session)
        select u.id, ${hash}, ${persistent}, ${startedAt}, ${expiresAt}, ${identityId}::bigint, ${providerSession}
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
        select ${columns(sql, "u", USER)}, h.version, u.logins_ended_at, d.deleted_at,
          array(select m.organization_id from organization_users m where m.user_id = u.id) as organizations
        from (select max(deleted_at) as deleted_at from users where handle_key = ${key} and deleted_at is not null) d
        left join users u on u.handle_key = ${key} and u.deleted_at is null
        left join user_heads h on h.user_id = u.id`);
      const user = row["u.id"] === null ? null : noun<User>(row, "u", USER);
      const { version, organizations, logins_ended_at: loginsEndedAt, deleted_at: deletedAt } = row;
      return { user, version: version ?? 0, organizations, loginsEndedAt, deletedAt };
    },
  };
}

interface LoginRow extends Row {
  login: number;
  hash: string;
  version: number;
}

async function usersOfLogins(
  db: Database,
  ids: number[],
): Promise<({ user: User; version: number; hash: string } | null)[]> {
  const { sql } = db;
  const rows = await db.read(sql<LoginRow[]>`
    select l.id as login, encode(l.hash, 'hex') as hash, ${columns(sql, "u", USER)}, h.version from logins l
    join users u on u.id = l.user_id and u.deleted_at is null
    join user_heads h on h.user_id = u.id
    where l.id = any (${ids}::bigint[]) and l.expires_at > ${databaseNow(sql)}`);
  return byKey(
    ids,
    rows,
    ({ login }) => login,
    ([row]) =>
      row === undefined ? null : { user: noun(row, "u", USER), version: row.version, hash: row.hash },
  );
}
