/** Queries for members of rooms, with their accounts and settings; and for guests. */
import type { Membership, MembershipSettings, Role, User } from "../../domain/model.ts";
import type { MembershipStore } from "../../domain/ports/store/memberships.ts";
import type { Database } from "../sql/database.ts";
import { CONVERSATION, columns, MEMBERSHIP, noun, type Row, USER } from "../sql/rows.ts";
import { createReaders } from "./readers.ts";

export function createMembershipStore(db: Database): MembershipStore {
  const { sql } = db;
  const membershipColumns = columns(sql, "m", MEMBERSHIP);
  const withAccounts = sql`
    select ${membershipColumns}, ${columns(sql, "u", USER)} from memberships m
    left join users u on u.id = m.user_id`;
  return {
    async list(roomIds) {
      if (roomIds.length === 0) return [];
      const rows = await db.read(sql<Row[]>`
        select ${membershipColumns} from memberships m
        where m.conversation_id = any (${roomIds}::bigint[])
        order by m.conversation_id, m.joined_seq, m.member`);
      return rows.map((row) => noun(row, "m", MEMBERSHIP));
    },
    async people(roomIds) {
      if (roomIds.length === 0) return [];
      const rows = await db.read(sql<Row[]>`
        ${withAccounts}
        where m.conversation_id = any (${roomIds}::bigint[])
        order by m.conversation_id, m.joined_seq, m.member`);
      return rows.map(personOf);
    },
    async page(roomId, { after, limit, query = "" }) {
      const holds = (name: "m.name" | "u.display_name" | "u.handle") =>
        sql`strpos(lower(${sql.unsafe(name)}), lower(${query})) > 0`;
      const matches = sql`and (${holds("m.name")} or ${holds("u.display_name")} or ${holds("u.handle")})`;
      const rows = await db.read(sql<Row[]>`
        ${withAccounts}
        where m.conversation_id = ${roomId}
          and (m.joined_seq, m.member) > (${after?.joinedSeq ?? -1}::bigint, ${after?.member ?? ""})
          ${query === "" ? sql`` : matches}
        order by m.joined_seq, m.member limit ${limit}`);
      return rows.map(personOf);
    },
    async roles(roomId, members) {
      const rows = await db.read(sql<Row[]>`
        select ${columns(sql, "c", CONVERSATION)}, m.user_id as "userId", m.role from conversations c
        left join memberships m on m.conversation_id = c.id and m.member = any (${[...members]}::text[])
        where c.id = ${roomId}`);
      const [first] = rows;
      if (!first) return null;
      return {
        room: noun(first, "c", CONVERSATION),
        members: rows.flatMap(({ userId, role }) =>
          role === null ? [] : [{ userId: userId as number | null, role: role as Role }],
        ),
      };
    },
    // `settings_at` is in the order of the journal, like the times of connections.
    async update(roomId, member, patch, noted = false) {
      const given = Object.entries(patch).filter(([, value]) => value !== undefined);
      const values: Row = Object.fromEntries(
        given.map(([field, value]) => [MEMBERSHIP[field as keyof typeof patch], value]),
      );
      const settingsAt = sql`, settings_at = greatest(m.settings_at + 1, causeway_journal_time())`;
      const mine = sql`m.conversation_id = ${roomId} and m.member = ${member}`;
      const [row] =
        given.length === 0
          ? await sql<Row[]>`select ${membershipColumns} from memberships m where ${mine}`
          : await sql<Row[]>`
              with m as (
                  update memberships m
                  set ${sql(values)}, entry_rev = greatest(m.entry_rev + 1, causeway_now())${isJournaled(patch) ? settingsAt : sql``}
                  where ${mine} returning m.*
                ),
                note as (
                  insert into webhook_notes (type, user_id, conversation_id, data)
                  select 'conversation.updated', m.user_id, m.conversation_id, '{}' from m
                  where ${noted} and m.user_id is not null and exists (select from webhooks))
              select ${membershipColumns} from m`;
      return row ? noun(row, "m", MEMBERSHIP) : null;
    },
    async unmuteDue(now, limit) {
      const rows = await sql<Row[]>`
        with due as materialized (
          select conversation_id, member from memberships where muted_until <= ${now}
          order by conversation_id, member limit ${limit} for no key update skip locked
        ),
        m as (
          update memberships m
          set muted = false, muted_status = 0, muted_until = null, entry_rev = greatest(m.entry_rev + 1, causeway_now()),
              settings_at = greatest(m.settings_at + 1, causeway_journal_time())
          from due where m.conversation_id = due.conversation_id and m.member = due.member returning m.*
        ),
        note as (
          insert into webhook_notes (type, user_id, conversation_id, data)
          select 'conversation.updated', m.user_id, m.conversation_id, '{}' from m
          where m.user_id is not null and exists (select from webhooks)
        )
        select ${membershipColumns} from m`;
      return rows.map((row) => noun(row, "m", MEMBERSHIP));
    },
    readers: createReaders(db),
    async guests({ after, limit }) {
      const rows = await db.read(sql<Row[]>`
        select ${membershipColumns} from memberships m
        where m.role in ('guest', 'guest_moderator')
          and (m.conversation_id, m.member) > (${after?.roomId ?? 0}::bigint, ${after?.member ?? ""})
        order by m.conversation_id, m.member limit ${limit}`);
      return rows.map((row) => noun(row, "m", MEMBERSHIP));
    },
  };
}

function personOf(row: Row): { membership: Membership; user: User | null } {
  return {
    membership: noun(row, "m", MEMBERSHIP),
    user: row["u.id"] === null ? null : noun(row, "u", USER),
  };
}

/** Settings whose changes the member's other clients see (Wire). */
const JOURNALED_SETTINGS = [
  "mutedStatus",
  "mutedRef",
  "archivedAt",
  "archivedRef",
  "hidden",
  "hiddenRef",
] as const;

function isJournaled(patch: Partial<MembershipSettings>): boolean {
  return JOURNALED_SETTINGS.some((field) => patch[field] !== undefined);
}
