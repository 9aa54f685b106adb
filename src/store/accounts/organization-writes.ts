/** Writes of organizations inside a transaction. A change that live sessions must notice raises the users' versions. */
import { DomainError } from "../../domain/errors.ts";
import type { Organization, OrganizationEvent } from "../../domain/model.ts";
import type { OrganizationWrites } from "../../domain/ports/store/accounts/organizations.ts";
import { columns, noun, ORGANIZATION, type Row } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import { organizationEventQuery, organizationUsersQuery, readOrganizationUsers } from "./organizations.ts";

export function createOrganizationWrites(scope: TransactionScope): OrganizationWrites {
  const { sql } = scope;
  return {
    async create(name) {
      const [row] = await sql<Row[]>`
        insert into organizations as o (name) values (${name}) returning ${columns(sql, "o", ORGANIZATION)}`;
      return noun(row as Row, "o", ORGANIZATION);
    },
    async setDeletedMessages(id, rule) {
      const [row] = await sql<Row[]>`
        update organizations o set deleted_messages = ${rule} where id = ${id} returning ${columns(sql, "o", ORGANIZATION)}`;
      return row ? noun(row, "o", ORGANIZATION) : null;
    },
    async delete(id) {
      const members = await sql<{ user_id: number }[]>`
        select user_id from organization_users where organization_id = ${id}`;
      scope.touchUsers(members.map(({ user_id }) => user_id));
      return (await sql`delete from organizations where id = ${id}`).count > 0;
    },
    async putUser(organizationId, userId, role) {
      const { count } = await sql`
        insert into organization_users (organization_id, user_id, role)
        select o.id, u.id, ${role} from organizations o, users u
        where o.id = ${organizationId} and u.id = ${userId} and u.deleted_at is null
        on conflict (organization_id, user_id) do update set role = excluded.role`;
      if (count === 0) throw new DomainError("not_found", "There is no such organization or user");
      scope.touchUsers([userId]);
    },
    async removeUser(organizationId, userId) {
      scope.touchUsers([userId]);
      const { count } = await sql`
        delete from organization_users where organization_id = ${organizationId} and user_id = ${userId}`;
      return count > 0;
    },
    putEvent: (event) => putEvent(scope, event),
    async deleteEvent(organizationId, eventId) {
      const { count } = await sql`
        delete from organization_events where organization_id = ${organizationId} and event_id = ${eventId}`;
      return count > 0;
    },
    async lock(id): Promise<Organization | null> {
      const [row] = await sql<Row[]>`
        select ${columns(sql, "o", ORGANIZATION)} from organizations o where o.id = ${id} for no key update`;
      return row ? noun(row, "o", ORGANIZATION) : null;
    },
    users: async (id, ids) => readOrganizationUsers(await organizationUsersQuery(sql, id, ids)),
    async idsOf(userId) {
      const rows = await sql<{ id: number }[]>`
        select organization_id as id from organization_users where user_id = ${userId} order by organization_id`;
      return rows.map(({ id }) => id);
    },
    async event(organizationId, eventId) {
      const [row] = await organizationEventQuery(sql, organizationId, eventId);
      return row ?? null;
    },
  };
}

async function putEvent({ sql }: TransactionScope, event: OrganizationEvent): Promise<void> {
  const { organizationId, eventId, name, endsAt, acceptedUsers } = event;
  const { count } = await sql`
    insert into organization_events (organization_id, event_id, name, ends_at)
    select id, ${eventId}, ${name}, ${endsAt} from organizations where id = ${organizationId}
    on conflict (organization_id, event_id) do update set name = excluded.name, ends_at = excluded.ends_at`;
  if (count === 0) throw new DomainError("not_found", "There is no such organization");
  await sql`
    delete from organization_event_users where organization_id = ${organizationId} and event_id = ${eventId}`;
  await sql`
    insert into organization_event_users (organization_id, event_id, user_id)
    select ${organizationId}, ${eventId}, id from users
    where id = any (${acceptedUsers}::bigint[]) and deleted_at is null`;
}
