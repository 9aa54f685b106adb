/** Queries for organizations, their users and events. */
import type { OrganizationEvent, OrganizationRole, OrganizationUser } from "../../domain/model.ts";
import type { OrganizationStore } from "../../domain/ports/store/accounts/organizations.ts";
import type { Database } from "../sql/database.ts";
import { columns, noun, ORGANIZATION, type Row, USER } from "../sql/rows.ts";
import type { Sql, Statement } from "../sql/sql.ts";

export function createOrganizationStore(db: Database): OrganizationStore {
  const { sql } = db;
  const organizationColumns = columns(sql, "o", ORGANIZATION);
  return {
    async byId(id) {
      const [row] = await db.read(
        sql<Row[]>`select ${organizationColumns} from organizations o where o.id = ${id}`,
      );
      return row ? noun(row, "o", ORGANIZATION) : null;
    },
    async list({ limit, after }) {
      const rows = await db.read(sql<Row[]>`
        select ${organizationColumns} from organizations o where o.id > ${after} order by o.id limit ${limit}`);
      return rows.map((row) => noun(row, "o", ORGANIZATION));
    },
    users: async (id) => readOrganizationUsers(await db.read(organizationUsersQuery(sql, id))),
    async role(organizationId, userId) {
      const [row] = await db.read(sql<{ role: OrganizationRole }[]>`
        select role from organization_users where organization_id = ${organizationId} and user_id = ${userId}`);
      return row?.role ?? null;
    },
    async of(userId) {
      const rows = await db.read(sql<(Row & { role: OrganizationRole })[]>`
        select ${organizationColumns}, m.role from organization_users m
        join organizations o on o.id = m.organization_id where m.user_id = ${userId} order by o.id`);
      return rows.map((row) => ({ organization: noun(row, "o", ORGANIZATION), role: row.role }));
    },
    async event(organizationId, eventId) {
      const [row] = await db.read(organizationEventQuery(sql, organizationId, eventId));
      return row ?? null;
    },
  };
}

type OrganizationUserRow = Row & { role: OrganizationRole };

/** An organization's users with their roles, for reads inside and outside of transactions. @param ids only these users */
export function organizationUsersQuery(
  sql: Sql,
  organizationId: number,
  ids?: number[],
): Statement<OrganizationUserRow[]> {
  const narrowed = ids === undefined ? sql`` : sql`and m.user_id = any (${ids}::bigint[])`;
  return sql<OrganizationUserRow[]>`
    select ${columns(sql, "u", USER)}, m.role from organization_users m
    join users u on u.id = m.user_id
    where m.organization_id = ${organizationId} ${narrowed} order by u.id`;
}

/** An event of an organization, for reads inside and outside of transactions. */
export function organizationEventQuery(
  sql: Sql,
  organizationId: number,
  eventId: number,
): Statement<OrganizationEvent[]> {
  return sql<OrganizationEvent[]>`
    select e.organization_id as "organizationId", e.event_id as "eventId", e.name, e.ends_at as "endsAt",
           array(select u.user_id from organization_event_users u
                 where u.organization_id = e.organization_id and u.event_id = e.event_id
                 order by u.user_id) as "acceptedUsers"
    from organization_events e where e.organization_id = ${organizationId} and e.event_id = ${eventId}`;
}

export function readOrganizationUsers(rows: readonly OrganizationUserRow[]): OrganizationUser[] {
  return rows.map((row) => ({ user: noun(row, "u", USER), role: row.role }));
}
