/** The journal: the events of all rooms of a member, by time. See schema/functions/time/causeway_journal_*.sql. */
import { actorOf, JOURNALED, type JournalEvent, type RoomNames, userKey } from "../../domain/model.ts";
import type { Journal, JournalReader } from "../../domain/ports/store/journal.ts";
import { isKnown } from "../accounts/known-people.ts";
import { shownStatus } from "../sql/connection-status.ts";
import type { Database } from "../sql/database.ts";
import { settledHorizon } from "../sql/horizon.ts";

type Page = Parameters<Journal["pages"]>[1];
type JournalRow = Omit<JournalEvent, "actor"> & { actor: string; actorName: string };

/** A departure is stored before its event, with an earlier time. The difference is smaller than this. */
const DEPARTED_BEFORE_MS = 10_000;
/** People who joined a room in one act and are listed. */
const MAX_JOINED_TOGETHER = 500;
/** Readers whose pages one statement reads. */
const MAX_READERS = 500;

export function createJournal(db: Database): Journal {
  const { sql } = db;
  const fields = sql`
    e.conversation_id as "roomId", e.seq, e.type, e.actor, e.actor_name as "actorName", e.at,
    e.data as "dataJson"`;
  /** The condition has the words of the index's condition, so that PostgreSQL uses the index. */
  const journaled = sql.unsafe(`e.type in (${JOURNALED.map((type) => `'${type}'`).join(", ")})`);

  /** The name of the other person is shown only where they know the reader. */
  const isPeerKnown = isKnown(sql, sql<never[]>`k.user_id`, sql<never[]>`k.peer_id`);

  /** A reader who waits in a room's lobby sees only the events about themselves. */
  const isVisible = sql`(
    not s.may_wait
    or e.type like 'member.%' and e.data::json -> 'member' ->> 'kind' = 'user'
      and e.data::json -> 'member' ->> 'id' = r.user_id::text
    or not exists (
      select from conversations c
      where c.id = s.conversation_id and c.lobby and coalesce(c.lobby_until > causeway_now(), true)))`;

  /** The rooms of the reader `r`, with the part of each log that they may see. Left rooms are included for a while. */
  const stays = sql`
    select m.conversation_id, greatest(m.history_from, m.joined_seq - 1) as seen_from,
           ${Number.MAX_SAFE_INTEGER}::bigint as last_seq,
           m.role not in ('owner', 'moderator', 'guest_moderator') as may_wait
    from memberships m where m.member = r.member
    union all
    select d.conversation_id, d.history_from, d.last_seq - d.deleted::integer, true
    from departures d where d.member = r.member and d.at >= r.at - ${DEPARTED_BEFORE_MS}`;

  /** The readers `r`, numbered, each at the place after which their page begins. */
  function placed(readers: readonly JournalReader[]) {
    const after = readers.map((reader) => reader.after ?? { at: 0, roomId: 0, seq: 0 });
    return sql`
      select k.*, ('u:' || k.user_id) collate "C" as member
      from unnest(${readers.map(({ userId }) => userId)}::bigint[], ${after.map(({ at }) => at)}::bigint[],
                  ${after.map(({ roomId }) => roomId)}::bigint[],
                  ${after.map(({ seq }) => seq)}::bigint[])
        with ordinality as k (user_id, at, room, seq, ord)`;
  }

  async function pageOfEach(readers: readonly JournalReader[], { horizon, limit, newest = false }: Page) {
    const way = sql.unsafe(newest ? "desc" : "asc");
    const next = (time: string, room: string, place: string) => sql`
      ${sql.unsafe(time)} >= r.at and ${sql.unsafe(time)} < ${horizon}::bigint
      and (${sql.unsafe(`${time}, ${room}, ${place}`)}) > (r.at, r.room, r.seq)`;
    return await db.read(sql<(JournalRow & { ord: number })[]>`
      select r.ord, p.*
      from (${placed(readers)}) r
      cross join lateral (
        select ${fields}
        from (${stays}) s
        cross join lateral (
          select * from events e
          where e.conversation_id = s.conversation_id and ${journaled} and ${next("e.at", "e.conversation_id", "e.seq")}
            and e.seq > s.seen_from and e.seq <= s.last_seq and ${isVisible}
          order by e.at ${way}, e.seq ${way} limit ${limit}
        ) e
        union all
        select d.conversation_id, d.last_seq, 'room.deleted', d.actor, d.actor_name, d.at, '{}'
        from departures d
        where d.member = r.member and d.deleted and ${next("d.at", "d.conversation_id", "d.last_seq")}
        union all
        select 0, k.peer_id, 'connection', r.member, f.display_name, k.updated_at,
               json_build_object('to', u.uuid, 'name', case when ${isPeerKnown} then u.display_name else '' end,
                                 'status', ${shownStatus(sql)}, 'message', k.message,
                                 'room', case when c.id is not null then
                                   json_build_object('uuid', c.uuid, 'token', c.token) end)::text
        from users f
        join connections k on k.user_id = f.id
        join users u on u.id = k.peer_id and u.deleted_at is null
        left join conversations c on c.pair = causeway_pair(k.user_id, k.peer_id)
        where f.id = r.user_id and ${next("k.updated_at", "0::bigint", "k.peer_id")}
        union all
        select m.conversation_id, 0, 'settings', r.member, m.name, m.settings_at,
               json_build_object('mutedStatus', m.muted_status, 'mutedRef', m.muted_ref, 'archivedAt', m.archived_at,
                                 'archivedRef', m.archived_ref, 'hidden', m.hidden, 'hiddenRef', m.hidden_ref)::text
        from memberships m
        where m.member = r.member and ${next("m.settings_at", "m.conversation_id", "0::bigint")}
        order by at ${way}, "roomId" ${way}, seq ${way} limit ${limit}
      ) p
      order by r.ord, p.at, p."roomId", p.seq`);
  }

  return {
    horizon: () => settledHorizon(db, "causeway_journal_horizon"),
    async pages(readers, page) {
      const pages: JournalEvent[][] = readers.map(() => []);
      for (let first = 0; first < readers.length; first += MAX_READERS) {
        const rows = await pageOfEach(readers.slice(first, first + MAX_READERS), page);
        for (const { ord, ...row } of rows) pages[first + ord - 1]?.push(journalEvent(row));
      }
      return pages;
    },
    async knows({ userId, after: { at, roomId, seq } }) {
      if (roomId === 0 || seq === 0) return true;
      const [row] = await db.read(sql<[{ known: boolean }]>`
        select case
          when exists (select from room_heads where conversation_id = ${roomId}) then
            exists (select from events e where e.conversation_id = ${roomId} and e.seq = ${seq} and e.at = ${at})
          else exists (
            select from departures where member = ${userKey(userId)} and conversation_id = ${roomId})
        end as known`);
      return row.known;
    },
    async joinedTogether(places) {
      if (places.length === 0) return [];
      const rows = await db.read(sql<JournalRow[]>`
        select ${fields}
        from (
          select distinct k.room, k.at
          from unnest(${places.map(({ roomId }) => roomId)}::bigint[],
                      ${places.map(({ at }) => at)}::bigint[]) as k (room, at)
        ) k
        cross join lateral (
          select * from events e
          where e.conversation_id = k.room and ${journaled} and e.at = k.at and e.type = 'member.joined'
          order by e.seq limit ${MAX_JOINED_TOGETHER}
        ) e
        order by e.conversation_id, e.seq`);
      return rows.map(journalEvent);
    },
    async uuids(of, ids) {
      if (ids.length === 0) return new Map();
      const rows = await db.read(sql<{ id: number; uuid: string }[]>`
        select id, uuid from ${sql.unsafe(of)} where id = any (${ids}::bigint[])`);
      return new Map(rows.map(({ id, uuid }) => [id, uuid]));
    },
    async roomNames(ids) {
      if (ids.length === 0) return new Map();
      const rows = await db.read(sql<({ id: number } & RoomNames)[]>`
        select id, uuid, token from conversations where id = any (${ids}::bigint[])
        union
        select p.conversation_id, p.uuid, d.token from departures p
        left join deleted_rooms d on d.conversation_id = p.conversation_id
        where p.deleted and p.conversation_id = any (${ids}::bigint[])`);
      return new Map(rows.map(({ id, uuid, token }) => [id, { uuid, token }]));
    },
  };
}

function journalEvent({ actor, actorName, ...event }: JournalRow): JournalEvent {
  return { ...event, actor: actorOf(actor, actorName) };
}
