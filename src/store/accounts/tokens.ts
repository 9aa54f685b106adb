/** Personal access tokens and API tokens, found by the hash of their secret. */
import { DomainError } from "../../domain/errors.ts";
import type { ApiToken } from "../../domain/model.ts";
import type { TokenStore } from "../../domain/ports/store/accounts/credentials.ts";
import { byKey, createBatchLoader } from "../sql/batch-loader.ts";
import type { Database } from "../sql/database.ts";
import { columns, noun, ORGANIZATION, type Row, TOKEN, USER } from "../sql/rows.ts";
import { CREDENTIAL_BATCHES, databaseNow } from "./credentials.ts";
import { blockedBy } from "./known-people.ts";

export function createTokenStore(db: Database): TokenStore {
  const { sql } = db;
  const tokenColumns = columns(sql, "t", TOKEN);
  const byHash = createBatchLoader({
    ...CREDENTIAL_BATCHES,
    read: (hashes: string[]) => tokensByHash(db, hashes),
  });
  return {
    async create({ userId, organizationId, name, expiresAt, hash }) {
      const [row] = await sql<Row[]>`
        insert into tokens as t (user_id, organization_id, name, hash, expires_at)
        select ${userId}::bigint, ${organizationId}::bigint, ${name}, ${hash}, ${expiresAt}
        where ${userId}::bigint is null
           or exists (select from users where id = ${userId}::bigint and deleted_at is null)
        returning ${tokenColumns}`;
      if (!row) throw new DomainError("not_found", "There is no such user", { field: "userId" });
      return noun(row, "t", TOKEN);
    },
    async byHash(hash) {
      return await byHash(Buffer.from(hash).toString("hex"));
    },
    async list({ limit, after }) {
      const rows = await db.read(sql<Row[]>`
        select ${tokenColumns} from tokens t where t.id > ${after} order by t.id limit ${limit}`);
      return rows.map((row) => noun(row, "t", TOKEN));
    },
    async delete(id) {
      const [row] = await sql<Row[]>`
        with gone as (delete from tokens where id = ${id} returning *),
        touched as (
          update user_heads h set version = h.version + 1 from gone g where h.user_id = g.user_id
        )
        select ${tokenColumns} from gone t`;
      return row ? noun(row, "t", TOKEN) : null;
    },
  };
}

type TokenOwner = Awaited<ReturnType<TokenStore["byHash"]>>;
interface TokenRow extends Row {
  hash: string;
  version: number;
  blocked: number[];
}

async function tokensByHash(db: Database, hashes: string[]): Promise<TokenOwner[]> {
  const { sql } = db;
  const rows = await db.read(sql<TokenRow[]>`
    select k.hash, ${columns(sql, "t", TOKEN)}, ${columns(sql, "u", USER)}, ${columns(sql, "o", ORGANIZATION)},
           coalesce(h.version, 0) as version, ${blockedBy(sql)} as blocked
    from unnest(${hashes}::text[]) as k (hash)
    join tokens t on t.hash = decode(k.hash, 'hex')
    left join users u on u.id = t.user_id and u.deleted_at is null
    left join user_heads h on h.user_id = u.id
    left join organizations o on o.id = t.organization_id
    where t.expires_at is null or t.expires_at > ${databaseNow(sql)}`);
  return byKey(
    hashes,
    rows,
    ({ hash }) => hash,
    ([row]) => tokenOwner(row),
  );
}

function tokenOwner(row: TokenRow | undefined): TokenOwner {
  if (row === undefined) return null;
  const { version, blocked } = row;
  const token: ApiToken = noun(row, "t", TOKEN);
  if (row["o.id"] !== null) {
    return { token, user: null, organization: noun(row, "o", ORGANIZATION), version };
  }
  return row["u.id"] === null
    ? null
    : { token, user: noun(row, "u", USER), organization: null, version, blocked };
}
