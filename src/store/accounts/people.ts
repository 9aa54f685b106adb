/** Queries for users by their other names, for connections, and for contact books. None of them locks. */

import type { Audience, ConnectionStatus } from "../../domain/model.ts";
import type {
  ContactPlace,
  PeopleStore,
  StoredConnection,
  StoredContact,
} from "../../domain/ports/store/accounts/people.ts";
import { createBatchLoader } from "../sql/batch-loader.ts";
import { shownStatus } from "../sql/connection-status.ts";
import type { Database } from "../sql/database.ts";
import { CONVERSATION, columns, foldedKey, noun, type Row, USER } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";
import { isContact, isKnown, tells } from "./known-people.ts";

/** See `PeopleStore.blocked`. */
const MAX_BLOCKED = 1_000;
/** Contacts in one room who are told how far somebody has read. */
const MAX_TOLD = 1_000;
const AUDIENCE_BATCHES = { maxStatements: 1, maxKeys: 500 };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function createPeopleStore(db: Database): PeopleStore {
  const { sql } = db;
  return {
    async users(names) {
      const which =
        "uuids" in names
          ? sql`u.uuid = any (${names.uuids.filter((uuid) => UUID.test(uuid))}::uuid[])`
          : "publicIds" in names
            ? sql`u.public_id = any (${names.publicIds.filter(isText)}::text[])`
            : sql`u.handle_key = any (${names.handles.filter(isText).map(foldedKey)}::text[])`;
      const rows = await db.read(sql<Row[]>`
        select ${columns(sql, "u", USER)} from users u where u.deleted_at is null and ${which} order by u.id`);
      return rows.map((row) => noun(row, "u", USER));
    },
    async known(userId, ids) {
      const viewer = sql<never[]>`${userId}::bigint`;
      const rows = await db.read(sql<{ id: number }[]>`
        select u.id from users u
        where u.id = any (${ids}::bigint[]) and u.deleted_at is null and ${isKnown(sql, viewer, sql<never[]>`u.id`)}
        order by u.id`);
      return rows.map(({ id }) => id);
    },
    sharedOrganizations: async (userId, ids) => [
      ...(await db.read(sql<{ userId: number; uuid: string }[]>`
        select distinct on (b.user_id) b.user_id as "userId", o.uuid
        from organization_users a
        join organization_users b on b.organization_id = a.organization_id
        join organizations o on o.id = b.organization_id
        where a.user_id = ${userId} and b.user_id = any (${ids}::bigint[])
        order by b.user_id, o.id`)),
    ],
    async lastSeen(viewerId, ids) {
      const rows = await db.read(sql<{ id: number; at: number }[]>`
        select u.id, seen.at from users u cross join lateral (${lastSeenOf(sql)}) seen
        where u.id = any (${ids}::bigint[]) and u.deleted_at is null and seen.at is not null
          and ${tells(sql, "last_seen_for", sql<never[]>`${viewerId}::bigint`)}`);
      return rows.map(({ id, at }) => [id, at] as const);
    },
    async telling(what, viewerId, ids) {
      const column = what === "receipts" ? "receipts_for" : "last_seen_for";
      const rows = await db.read(sql<{ id: number }[]>`
        select u.id from users u where u.id = any (${ids}::bigint[])
          and ${tells(sql, column, sql<never[]>`${viewerId}::bigint`)}`);
      return rows.map(({ id }) => id);
    },
    lastSeenFor: createBatchLoader({
      ...AUDIENCE_BATCHES,
      read: async (ids: number[]) => {
        const rows = await db.read(sql<{ id: number; audience: Audience }[]>`
          select id, last_seen_for as audience from users
          where id = any (${ids}::bigint[]) and deleted_at is null`);
        const found = new Map(rows.map(({ id, audience }) => [id, audience]));
        return ids.map((id) => found.get(id) ?? "nobody");
      },
    }),
    async contactsIn(roomId, userId) {
      const rows = await db.read(sql<{ id: number }[]>`
        select m.user_id as id from users u join memberships m on m.conversation_id = ${roomId} and m.user_id <> u.id
        where u.id = ${userId} and ${isContact(sql, "u.id", sql<never[]>`m.user_id`)} limit ${MAX_TOLD}`);
      return rows.map(({ id }) => id);
    },
    ...connectionQueries(db),
    ...contactQueries(db),
  };
}

/** When the user of the row `u` last read or wrote anywhere. */
function lastSeenOf(sql: Sql): Statement<never[]> {
  return sql<never[]>`
    select max(greatest(m.last_opened_at, e.at)) as at from memberships m
    left join events e on e.conversation_id = m.conversation_id and e.seq = m.read_seq and e.actor = m.member
      and e.type = 'message'
    where m.member = 'u:' || u.id`;
}

function isText(name: string): boolean {
  return !name.includes("\0");
}

function connectionQueries(db: Database) {
  const { sql } = db;
  async function connections(rest: Statement<Row[]>): Promise<StoredConnection[]> {
    const rows = await db.read(sql<Row[]>`
      select ${columns(sql, "f", USER)}, ${columns(sql, "u", USER)}, ${columns(sql, "c", CONVERSATION)},
             ${shownStatus(sql)} as status, k.message, k.updated_at,
             ${isKnown(sql, sql.unsafe("k.user_id"), sql.unsafe("k.peer_id"))} as known
      from connections k
      join users f on f.id = k.user_id
      join users u on u.id = k.peer_id and u.deleted_at is null
      left join conversations c on c.pair = causeway_pair(k.user_id, k.peer_id)
      where ${rest}`);
    return rows.map((row) => ({
      from: noun(row, "f", USER),
      to: noun(row, "u", USER),
      status: row.status as ConnectionStatus,
      message: row.message as string | null,
      room: row["c.id"] === null ? null : noun(row, "c", CONVERSATION),
      updatedAt: row.updated_at as number,
      known: row.known as boolean,
    }));
  }
  return {
    async connection(userId, peerId) {
      return (await connections(sql`k.user_id = ${userId} and k.peer_id = ${peerId}`))[0] ?? null;
    },
    async blocked(userId) {
      const rows = await db.read(sql<Row[]>`
        select ${columns(sql, "u", USER)} from connections k
        join users u on u.id = k.peer_id and u.deleted_at is null
        where k.user_id = ${userId} and k.status = 'blocked' order by k.updated_at desc limit ${MAX_BLOCKED}`);
      return rows.map((row) => noun(row, "u", USER));
    },
    connections: (userId, { after, limit }) =>
      connections(sql`
        k.user_id = ${userId} and (${after ?? null}::uuid is null or u.uuid > ${after ?? null}::uuid)
        order by u.uuid limit ${limit}`),
    async connected(userId, ids, by) {
      const rows = await db.read(sql<{ id: number }[]>`
        select u.id from users u
        where u.id = any (${ids}::bigint[]) and u.deleted_at is null and (
          exists (
            select from organization_users a join organization_users b on b.organization_id = a.organization_id
            where a.user_id = ${userId} and b.user_id = u.id)
          or ${by === undefined} and exists (
            select from connections k join connections r on r.user_id = k.peer_id and r.peer_id = k.user_id
            where k.user_id = ${userId} and k.peer_id = u.id and k.status = 'accepted' and r.status = 'accepted'))
          and (${by !== undefined} or not exists (
            select from connections k where k.status = 'blocked'
              and (k.user_id, k.peer_id) in ((${userId}::bigint, u.id), (u.id, ${userId}::bigint))))
        order by u.id`);
      return rows.map(({ id }) => id);
    },
    async waiting(roomIds) {
      const rows = await db.read(sql<{ id: number }[]>`
        select distinct c.id from conversations c
        cross join lateral (
          select substr(split_part(c.pair, ' ', 1), 3)::bigint as a, substr(split_part(c.pair, ' ', 2), 3)::bigint as b
        ) p
        join connections k on (k.user_id, k.peer_id) in ((p.a, p.b), (p.b, p.a)) and ${shownStatus(sql)} = 'sent'
        where c.id = any (${roomIds}::bigint[]) and c.pair not like 'm:%'`);
      return rows.map(({ id }) => id);
    },
  } satisfies Partial<PeopleStore>;
}

function contactQueries(db: Database) {
  const { sql } = db;
  /**
   * Entries of a contact book, with the time of last activity anywhere.
   * @param left includes users without an entry
   */
  async function contacts(
    ownerId: number,
    userIds: readonly number[],
    left: boolean,
  ): Promise<StoredContact[]> {
    const rows = await db.read(sql<Row[]>`
      select ${columns(sql, "u", USER)}, ${columns(sql, "c", CONVERSATION)}, k.phone_number, k.avatar_url, k.display_name,
             coalesce(k.created_at, u.created_at) as created_at,
             case when ${tells(sql, "last_seen_for", sql<never[]>`${ownerId}::bigint`)} then seen.at end as seen_at
      from users u
      ${left ? sql`left` : sql``} join contacts k on k.user_id = u.id and k.owner_id = ${ownerId} and k.deleted_at is null
      left join conversations c on c.pair = causeway_pair(${ownerId}, u.id)
      left join lateral (${lastSeenOf(sql)}) seen on true
      where u.id = any (${userIds}::bigint[]) and u.deleted_at is null`);
    return rows.map((row) => ({
      user: noun(row, "u", USER),
      phoneNumber: row.phone_number as string | null,
      avatarUrl: row.avatar_url as string | null,
      displayName: row.display_name as string | null,
      room: row["c.id"] === null ? null : noun(row, "c", CONVERSATION),
      lastActiveAt: row.seen_at as number | null,
      createdAt: row.created_at as number,
    }));
  }
  /** The book's entries with the activity of their rooms. Deleted entries keep their last activity, so pages can go on. */
  const places = (ownerId: number) => sql<Row[]>`
    select k.user_id, k.deleted_at, u.public_id,
           coalesce(case when k.deleted_at is null then h.last_activity end, k.activity, k.created_at) as activity
    from contacts k
    join users u on u.id = k.user_id and u.deleted_at is null
    left join conversations c on c.pair = causeway_pair(k.owner_id, k.user_id)
    left join room_heads h on h.conversation_id = c.id
    where k.owner_id = ${ownerId}`;
  return {
    contacts: (ownerId, userIds, book) => contacts(ownerId, userIds, !book),
    async contactPage(ownerId, { after, before, limit }) {
      const cursor = after ?? before;
      const order = before === undefined ? sql`desc` : sql`asc`;
      const beyond =
        cursor === undefined
          ? sql``
          : sql`and (p.activity, p.user_id) ${before === undefined ? sql`<` : sql`>`}
                (${cursor.activity}::bigint, ${cursor.userId}::bigint)`;
      const rows = await db.read(sql<{ id: number }[]>`
        select p.user_id as id from (${places(ownerId)}) p where p.deleted_at is null ${beyond}
        order by p.activity ${order}, p.user_id ${order} limit ${limit}`);
      const ids = rows.map(({ id }) => id);
      const found = new Map((await contacts(ownerId, ids, false)).map((entry) => [entry.user.id, entry]));
      const page = ids.flatMap((id) => found.get(id) ?? []);
      return before === undefined ? page : page.reverse();
    },
    async contactPlace(ownerId, publicId) {
      const [row] = await db.read(sql<ContactPlace[]>`
        select p.activity, p.user_id as "userId" from (${places(ownerId)}) p where p.public_id = ${publicId}`);
      return row ?? null;
    },
  } satisfies Partial<PeopleStore>;
}
