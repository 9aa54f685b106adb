/** Statements for groups of users. No group contains deleted users. */
import type { GroupStore } from "../../domain/ports/store/accounts/organizations.ts";
import type { Database } from "../sql/database.ts";

export function createGroupStore(db: Database): GroupStore {
  const { sql } = db;
  return {
    async put({ id, name, members }) {
      await db.transaction(async (tx) => {
        await tx`
          insert into groups (id, name) values (${id}, ${name}) on conflict (id) do update set name = excluded.name`;
        await tx`delete from group_members where group_id = ${id}`;
        await tx`
          insert into group_members (group_id, user_id)
          select ${id}, u.id from users u where u.id = any (${members}::bigint[]) and u.deleted_at is null`;
      });
    },
    create: async ({ id, name }) =>
      (await sql`insert into groups (id, name) values (${id}, ${name}) on conflict do nothing`).count > 0,
    async addUser(id, userId) {
      const [group] = await sql`
        with found as (select id from groups where id = ${id}),
        added as (
          insert into group_members (group_id, user_id) select id, ${userId} from found on conflict do nothing
        )
        select id from found`;
      return group !== undefined;
    },
    async ids({ search, limit, offset }) {
      const rows = await db.read(sql<{ id: string }[]>`
        select g.id from groups g where strpos(lower(g.id), lower(${search})) > 0 or strpos(lower(g.name), lower(${search})) > 0
        order by g.id limit ${limit} offset ${offset}`);
      return rows.map(({ id }) => id);
    },
    async idsOf(userId) {
      const rows = await sql<{ groupId: string }[]>`
        select group_id as "groupId" from group_members where user_id = ${userId} order by group_id`;
      return rows.map(({ groupId }) => groupId);
    },
    delete: async (id) => (await sql`delete from groups where id = ${id}`).count > 0,
    async byId(id) {
      const [row] = await db.read(sql<{ id: string; name: string; members: number[] }[]>`
        select g.id, g.name,
               array(select m.user_id from group_members m where m.group_id = g.id order by m.user_id) as members
        from groups g where g.id = ${id}`);
      return row ?? null;
    },
  };
}
