/** Queries for users. No answer contains deleted users. */
import type { User } from "../../domain/model.ts";
import type { UserStore } from "../../domain/ports/store/accounts/users.ts";
import type { Database } from "../sql/database.ts";
import { columns, foldedKey, noun, type Row, USER } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";

export function createUserStore(db: Database): UserStore {
  const { sql } = db;
  const userColumns = columns(sql, "u", USER);
  const users = async (rest: Statement<Row[]>): Promise<User[]> => {
    const rows = await db.read(sql<Row[]>`
      select ${userColumns} from users u where u.deleted_at is null and ${rest}`);
    return rows.map((row) => noun(row, "u", USER));
  };
  return {
    byId: async (id) => (await users(sql`u.id = ${id}`))[0] ?? null,
    byIds: (ids) => users(sql`u.id = any (${ids}::bigint[]) order by u.id`),
    byHandle: async (handle) => (await users(sql`u.handle_key = ${foldedKey(handle)}`))[0] ?? null,
    list: ({ limit, after }) => users(sql`u.id > ${after} order by u.id limit ${limit}`),
    async handles({ search, limit, offset }) {
      const rows = await db.read(sql<{ handle: string }[]>`
        select u.handle from users u where u.deleted_at is null and ${namesHold(sql, search)} order by u.handle_key limit ${limit} offset ${offset}`);
      return rows.map(({ handle }) => handle);
    },
    async visible(userId, ids) {
      const rows = await db.read(sql<{ id: number }[]>`
        select u.id from users u
        where u.id = any (${ids}::bigint[]) and u.deleted_at is null
          and (u.id = ${userId} or ${existsFor(sql, userId)})
        order by u.id`);
      return rows.map(({ id }) => id);
    },
    search: (userId, { text, limit }) => users(foundFor(sql, userId, text, limit)),
    async handleDeletedAt(handle) {
      const [row] = await db.read(sql<[{ at: number | null }]>`
        select max(deleted_at) as at from users where handle_key = ${foldedKey(handle)} and deleted_at is not null`);
      return row.at;
    },
    async changed(seen) {
      if (seen.length === 0) return [];
      const ids = seen.map(({ userId }) => userId);
      const versions = seen.map(({ version }) => version);
      return await db.read(sql<{ userId: number; version: number | null }[]>`
        select s.user_id as "userId", h.version
        from unnest(${ids}::bigint[], ${versions}::bigint[]) as s (user_id, version)
        left join user_heads h on h.user_id = s.user_id
        where h.version is distinct from s.version`);
    },
    async version(userId) {
      const [row] = await db.read(sql<{ version: number }[]>`
        select version from user_heads where user_id = ${userId}`);
      return row?.version ?? null;
    },
  };
}

/** Shorter texts are in the names of so many that reading users in the order of their handles is less work. */
const INDEXED_CHARACTERS = 3;

/** Of users `u` who are not deleted those whose handle or name holds the text, by handle. */
export function foundFor(sql: Sql, userId: number, text: string, limit: number): Statement<Row[]> {
  return sql<Row[]>`
    u.id <> ${userId} and ${namesHold(sql, text)} and ${existsFor(sql, userId)} order by u.handle_key limit ${limit}`;
}

/**
 * Whether the handle or the name of a user `u` holds the text. The index users_names finds those who have its runs of characters
 * (causeway_name_grams), some of them in other places. The runs of a name are costly to make: nothing but the index is asked for
 * them.
 */
function namesHold(sql: Sql, text: string): Statement<Row[]> {
  const composed = text.normalize("NFC");
  const [handle, name] = [sql`${foldedKey(text)}::text`, sql`lower(${composed}::text)`];
  const having = (part: typeof handle) => sql`
    select g.id from users g where g.deleted_at is null
      and causeway_name_grams(g.handle_key, g.display_name) collate "C" @> causeway_part_grams(${part})`;
  const isIndexed = [...composed].length >= INDEXED_CHARACTERS;
  return sql<Row[]>`
    ${isIndexed ? sql`u.id in (${having(handle)} union all ${having(name)}) and` : sql``}
    (strpos(u.handle_key, ${handle}) > 0 or strpos(lower(u.display_name), ${name}) > 0)`;
}

/** Whether the user `u` exists for the user with this id, who is another: see `UserStore.visible`. */
function existsFor(sql: Sql, userId: number): Statement<never[]> {
  return sql<never[]>`(
    not exists (
      select from connections k where k.status = 'blocked'
        and (k.user_id, k.peer_id) in ((${userId}::bigint, u.id), (u.id, ${userId}::bigint)))
    and (
      exists (
        select from organization_users a join organization_users b on b.organization_id = a.organization_id
        where a.user_id = ${userId} and b.user_id = u.id)
      or exists (
        select from connections k join connections r on r.user_id = k.peer_id and r.peer_id = k.user_id
        where k.user_id = ${userId} and k.peer_id = u.id and k.status = 'accepted' and r.status = 'accepted')
      or not exists (select from organization_users o where o.user_id in (${userId}, u.id))))`;
}
