/** The journal: what happened in all rooms of a member, by time. See migrations/0005-journal.sql. */
import { actorOf } from "../domain/model.ts";
import type { Journal, JournalEvent } from "../domain/ports/journal.ts";
import type { Database } from "./database.ts";

type JournalRow = Omit<JournalEvent, "actor"> & { actor: string; actorName: string };

/** The departure is noted a moment before the event that tells of it. */
const DEPARTED_BEFORE_MS = 10_000;
const MOST_TOGETHER = 500;

export function createJournal(db: Database): Journal {
  const { sql } = db;
  const fields = sql`
    e.conversation_id as "conversationId", e.seq, e.type, e.actor, e.actor_name as "actorName", e.at,
    e.data as "dataJson"`;
  /** As the index has it. */
  const journaled = sql`
    e.type in ('member.joined', 'member.left', 'member.changed', 'room.changed', 'room.deleted')`;

  return {
    async page(member, { after, limit }) {
      const { at, conversationId, seq } = after ?? { at: 0, conversationId: 0, seq: 0 };
      const next = (time: string, room: string, place: string) => sql`
        ${sql.unsafe(time)} >= ${at}::bigint and (${sql.unsafe(`${time}, ${room}, ${place}`)})
          > (${at}::bigint, ${conversationId}::bigint, ${seq}::bigint)`;
      const rows = await db.read(sql<JournalRow[]>`
        with departed as (
          select d.* from departures d where d.member = ${member} and d.at >= ${at - DEPARTED_BEFORE_MS}
        ),
        stays as (
          select m.conversation_id, m.history_from, ${Number.MAX_SAFE_INTEGER}::bigint as last_seq
          from memberships m where m.member = ${member}
          union all
          select d.conversation_id, d.history_from, d.last_seq - d.deleted::integer from departed d
        )
        select ${fields}
        from stays s
        cross join lateral (
          select * from events e
          where e.conversation_id = s.conversation_id and ${journaled} and ${next("e.at", "e.conversation_id", "e.seq")}
            and e.seq > s.history_from and e.seq <= s.last_seq
          order by e.at, e.seq limit ${limit}
        ) e
        union all
        select d.conversation_id, d.last_seq, 'room.deleted', d.actor, d.actor_name, d.at, '{}'
        from departed d where d.deleted and ${next("d.at", "d.conversation_id", "d.last_seq")}
        order by at, "conversationId", seq limit ${limit}`);
      return rows.map(journalEvent);
    },
    async joinedTogether(places) {
      if (places.length === 0) return [];
      const rows = await db.read(sql<JournalRow[]>`
        select ${fields}
        from (
          select distinct k.room, k.at
          from unnest(${places.map(({ conversationId }) => conversationId)}::bigint[],
                      ${places.map(({ at }) => at)}::bigint[]) as k (room, at)
        ) k
        cross join lateral (
          select * from events e
          where e.conversation_id = k.room and ${journaled} and e.at = k.at and e.type = 'member.joined'
          order by e.seq limit ${MOST_TOGETHER}
        ) e
        order by e.conversation_id, e.seq`);
      return rows.map(journalEvent);
    },
    async uuids(of, ids) {
      const rows =
        ids.length === 0 ? [] : await db.read(sql<{ id: number; uuid: string }[]>`${named(of, ids)}`);
      return new Map(rows.map(({ id, uuid }) => [id, uuid]));
    },
  };

  function named(of: "rooms" | "users" | "organizations", ids: readonly number[]) {
    switch (of) {
      case "users":
        return sql`select id, uuid from users where id = any (${ids}::bigint[])`;
      case "organizations":
        return sql`select id, uuid from organizations where id = any (${ids}::bigint[])`;
      case "rooms":
        return sql`
          select id, uuid from conversations where id = any (${ids}::bigint[])
          union
          select conversation_id, uuid from departures where deleted and conversation_id = any (${ids}::bigint[])`;
    }
  }
}

function journalEvent({ actor, actorName, ...event }: JournalRow): JournalEvent {
  return { ...event, actor: actorOf(actor, actorName) };
}
