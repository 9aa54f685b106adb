/** Queries for tokens and logins together: expired ones, and those that are no longer valid. */
import type { CredentialStore, OwnedCredential } from "../../domain/ports/store/accounts/credentials.ts";
import type { Database } from "../sql/database.ts";
import type { Fragment, Sql } from "../sql/sql.ts";

/** Every session that begins asks for its credential. */
export const CREDENTIAL_BATCHES = { maxStatements: 2, maxKeys: 64 };
const PLACE_KEPT_MS = 90 * 86_400_000;

/** The database's clock, so that all gateways agree when a credential expires. */
export function databaseNow(sql: Sql): Fragment {
  return sql.unsafe("causeway_now()");
}

export function createCredentialStore(db: Database): CredentialStore {
  const { sql } = db;
  const now = databaseNow(sql);
  return {
    async deleteExpired(at) {
      const { count } = await sql`
        with old_places as (delete from login_places where seen_at <= ${at - PLACE_KEPT_MS}),
        old_codes as (delete from login_codes where expires_at <= ${at}),
        old_links as (delete from link_codes where expires_at <= ${at}),
        old_tokens as (delete from tokens where expires_at <= ${at} returning id),
        old_logins as (delete from logins where expires_at <= ${at} returning id)
        select id from old_tokens union all select id from old_logins`;
      return count;
    },
    async invalid({ tokens, logins, users, dated = [] }) {
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
  };
}

/** One field is set and the others are null; `userId` comes with `at`. */
interface InvalidRow {
  tokenId: number | null;
  loginId: number | null;
  uuid: string | null;
  userId: number | null;
  at: number | null;
}
