/** What people show to get in: tokens and login cookies, by the hash of their secret. */
import { DomainError } from "../../domain/errors.ts";
import type { ApiToken, User } from "../../domain/model.ts";
import type { AccountStore, Login, OwnedCredential } from "../../domain/ports/store/accounts.ts";
import { byKey, gathered } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { columns, noun, ORGANIZATION, type Row, TOKEN, USER } from "../sql/rows.ts";
import type { DirectoryQueries } from "./accounts.ts";

export type CredentialStore = Omit<AccountStore, keyof DirectoryQueries>;

/** The database's clock: all gateways agree on when something expires. */
const NOW = "causeway_now()";
/** Places where one user is known. */
const MAX_PLACES = 20;
const PLACE_KEPT_MS = 90 * 86_400_000;
/** What is asked whenever somebody comes. */
const TOGETHER = { lanes: 2, most: 64 };

export function createCredentialStore(db: Database): CredentialStore {
  return { ...tokens(db), ...logins(db) };
}

function tokens(db: Database) {
  const { sql } = db;
  const tokenColumns = columns(sql, "t", TOKEN);
  const tokenByHash = gathered({ ...TOGETHER, read: (hashes: string[]) => tokensByHash(db, hashes) });
  return {
    async createToken({ userId, organizationId, name, expiresAt, hash }) {
      const [row] = await sql<Row[]>`
        insert into tokens as t (user_id, organization_id, name, hash, expires_at)
        select ${userId}::bigint, ${organizationId}::bigint, ${name}, ${hash}, ${expiresAt}
        where ${userId}::bigint is null
           or exists (select from users where id = ${userId}::bigint and deleted_at is null)
        returning ${tokenColumns}`;
      if (!row) throw new DomainError("not_found", "There is no such user", { field: "userId" });
      return noun(row, "t", TOKEN);
    },
    async tokenByHash(hash) {
      return await tokenByHash(Buffer.from(hash).toString("hex"));
    },
    async listTokens({ limit, after }) {
      const rows = await db.read(sql<Row[]>`
        select ${tokenColumns} from tokens t where t.id > ${after} order by t.id limit ${limit}`);
      return rows.map((row) => noun(row, "t", TOKEN));
    },
    async deleteToken(id) {
      const [row] = await sql<Row[]>`
        with gone as (delete from tokens where id = ${id} returning *),
        touched as (
          update user_heads h set version = h.version + 1 from gone g where h.user_id = g.user_id
        )
        select ${tokenColumns} from gone t`;
      return row ? noun(row, "t", TOKEN) : null;
    },
  } satisfies Partial<AccountStore>;
}

type TokenOwner = Awaited<ReturnType<AccountStore["tokenByHash"]>>;
interface TokenRow extends Row {
  hash: string;
  version: number;
}

async function tokensByHash(db: Database, hashes: string[]): Promise<TokenOwner[]> {
  const { sql } = db;
  const rows = await db.read(sql<TokenRow[]>`
    select k.hash, ${columns(sql, "t", TOKEN)}, ${columns(sql, "u", USER)}, ${columns(sql, "o", ORGANIZATION)},
           coalesce(h.version, 0) as version
    from unnest(${hashes}::text[]) as k (hash)
    join tokens t on t.hash = decode(k.hash, 'hex')
    left join users u on u.id = t.user_id and u.deleted_at is null
    left join user_heads h on h.user_id = u.id
    left join organizations o on o.id = t.organization_id
    where t.expires_at is null or t.expires_at > ${sql.unsafe(NOW)}`);
  return byKey(
    hashes,
    rows,
    ({ hash }) => hash,
    ([row]) => tokenOwner(row),
  );
}

function tokenOwner(row: TokenRow | undefined): TokenOwner {
  if (row === undefined) return null;
  const { version } = row;
  const token: ApiToken = noun(row, "t", TOKEN);
  if (row["o.id"] !== null) {
    return { token, user: null, organization: noun(row, "o", ORGANIZATION), version };
  }
  return row["u.id"] === null ? null : { token, user: noun(row, "u", USER), organization: null, version };
}

const LOGIN = {
  id: "id",
  userId: "user_id",
  persistent: "persistent",
  startedAt: "started_at",
  expiresAt: "expires_at",
} as const satisfies Record<keyof Login, string>;

function logins(db: Database) {
  const { sql } = db;
  const loginColumns = columns(sql, "l", LOGIN);
  const now = sql.unsafe(NOW);
  return {
    async createLogin({ userId, passwordHash, hash, persistent, startedAt, expiresAt }) {
      // Locked: a password that is being changed at this moment ends this login as well.
      const [row] = await sql<Row[]>`
        insert into logins as l (user_id, hash, persistent, started_at, expires_at)
        select u.id, ${hash}, ${persistent}, ${startedAt}, ${expiresAt} from users u
        where u.id = ${userId} and u.deleted_at is null and u.password_hash is not distinct from ${passwordHash}
        for share
        returning ${loginColumns}`;
      return row ? noun<Login>(row, "l", LOGIN) : null;
    },
    async loginByHash(hash) {
      const [row] = await db.read(sql<Row[]>`
        select ${loginColumns}, ${columns(sql, "u", USER)} from logins l
        join users u on u.id = l.user_id and u.deleted_at is null
        where l.hash = ${hash} and l.expires_at > ${now}`);
      return row ? { ...noun<Login>(row, "l", LOGIN), user: noun(row, "u", USER) } : null;
    },
    userOfLogin: gathered({ ...TOGETHER, read: (ids: number[]) => usersOfLogins(db, ids) }),
    async renewLogin(id, { from, hash, expiresAt }) {
      const { count } = await sql`
        update logins set hash = ${hash}, expires_at = ${expiresAt}
        where id = ${id} and hash = ${from} and expires_at > ${now}`;
      return count > 0;
    },
    async noteLoginPlace(userId, place) {
      await sql`
        with noted as (
          insert into login_places (user_id, place) select id, ${place} from users where id = ${userId} and deleted_at is null
          on conflict (user_id, place) do update set seen_at = excluded.seen_at
        )
        delete from login_places where user_id = ${userId} and place in (
          select place from login_places where user_id = ${userId} and place <> ${place}
          order by seen_at desc offset ${MAX_PLACES - 1})`;
    },
    async deleteLogin(id) {
      const rows = await sql`
        with gone as (delete from logins where id = ${id} returning user_id),
        touched as (
          update user_heads h set version = h.version + 1 from gone g where h.user_id = g.user_id
        )
        select user_id from gone`;
      return rows.length > 0;
    },
    async deleteExpired(at) {
      const { count } = await sql`
        with old_places as (delete from login_places where seen_at <= ${at - PLACE_KEPT_MS}),
        old_tokens as (delete from tokens where expires_at <= ${at} returning id),
        old_logins as (delete from logins where expires_at <= ${at} returning id)
        select id from old_tokens union all select id from old_logins`;
      return count;
    },
    async invalidCredentials({ tokens, logins, users, dated = [] }) {
      const owned = (some: readonly OwnedCredential[]) => sql`
        unnest(${some.map(({ id }) => id)}::bigint[], ${some.map(({ userId }) => userId)}::bigint[]) as i (id, user_id)`;
      const ids = users.map(({ id }) => id);
      const uuids = users.map(({ uuid }) => uuid);
      const rows = await db.read(sql<InvalidRow[]>`
        select i.id as "tokenId", null::bigint as "loginId", null::uuid as uuid, null::bigint as "userId",
               null::bigint as at
        from ${owned(tokens)}
        where not exists (
          select from tokens t
          where t.id = i.id and t.user_id = i.user_id and (t.expires_at is null or t.expires_at > ${now}))
        union all
        select null, i.id, null, null, null from ${owned(logins)}
        where not exists (
          select from logins l where l.id = i.id and l.user_id = i.user_id and l.expires_at > ${now})
        union all
        select null, null, i.uuid, null, null from unnest(${ids}::bigint[], ${uuids}::uuid[]) as i (id, uuid)
        where not exists (select from users u where u.id = i.id and u.uuid = i.uuid and u.deleted_at is null)
        union all
        select null, null, null, u.id, u.logins_ended_at from users u
        where u.id = any (${[...dated]}::bigint[]) and u.logins_ended_at is not null`);
      return {
        tokenIds: rows.flatMap(({ tokenId }) => tokenId ?? []),
        loginIds: rows.flatMap(({ loginId }) => loginId ?? []),
        userUuids: rows.flatMap(({ uuid }) => uuid ?? []),
        ended: rows.flatMap(({ userId, at }) => (userId === null || at === null ? [] : [{ userId, at }])),
      };
    },
  } satisfies Partial<AccountStore>;
}

/** One of them, the others are null; a user comes with a time. */
interface InvalidRow {
  tokenId: number | null;
  loginId: number | null;
  uuid: string | null;
  userId: number | null;
  at: number | null;
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
    where l.id = any (${ids}::bigint[]) and l.expires_at > ${sql.unsafe(NOW)}`);
  return byKey(
    ids,
    rows,
    ({ login }) => login,
    ([row]) =>
      row === undefined ? null : { user: noun(row, "u", USER), version: row.version, hash: row.hash },
  );
}
