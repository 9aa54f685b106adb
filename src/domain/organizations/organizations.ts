/** Organizations and their users. Chatrooms with automation follow in the same transaction. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type Organization, type OrganizationRole, SYSTEM_ACTOR } from "../model.ts";
import type { Departure } from "../rooms/members.ts";
import { removeRoom } from "../rooms/rooms.ts";
import { checkName } from "../text-rules.ts";
import type { OrganizationDirectory } from "../use-cases/directory.ts";
import { createDefaultRoom, joinOrganizationRooms, leaveOrganizationRooms } from "./automation.ts";

const ROLES: ReadonlySet<OrganizationRole> = new Set(["member", "chat", "admin"]);

export function createOrganizations(
  { store }: Context,
  departed: (gone: readonly Departure[]) => Promise<void>,
): OrganizationDirectory {
  async function existing(id: number): Promise<Organization> {
    const organization = await store.organizations.byId(id);
    if (!organization) throw new DomainError("not_found", "There is no such organization", { field: "id" });
    return organization;
  }

  return {
    async createOrganization({ name, defaultRoom = false }) {
      const trimmed = checkName("name", name);
      return await store.transaction(async (tx) => {
        const organization = await tx.organizations.create(trimmed);
        if (defaultRoom) await createDefaultRoom(tx, SYSTEM_ACTOR, organization, true);
        return organization;
      });
    },
    async updateOrganization(id, { deletedMessages }) {
      requireKnown(id);
      const changed = await store.transaction((tx) =>
        tx.organizations.setDeletedMessages(id, deletedMessages),
      );
      if (!changed) throw noSuchOrganization();
      return changed;
    },
    async deleteOrganization(id) {
      requireKnown(id);
      await store.transaction(async (tx) => {
        if (!(await tx.organizations.lock(id))) throw noSuchOrganization();
        const ids = await tx.organizationRooms(id, { which: "all" });
        for (const room of await tx.lockRooms(ids)) await removeRoom(tx, SYSTEM_ACTOR, room);
        await tx.organizations.delete(id);
      });
    },
    async organization(id) {
      return await existing(id);
    },
    organizations: (page) => store.organizations.list(page),
    async organizationUsers(id) {
      await existing(id);
      return await store.organizations.users(id);
    },
    async organizationUser(organizationId, userId) {
      const user = await store.users.byId(userId);
      const role = await store.organizations.role(organizationId, userId);
      if (!user || !role) throw new DomainError("not_found", "The organization has no such user");
      return { user, role };
    },
    async putOrganizationUser(organizationId, userId, role) {
      requireKnown(organizationId);
      checkRole("role", role);
      await store.transaction(async (tx) => {
        if (!(await tx.organizations.lock(organizationId))) throw noSuchOrganization();
        const known = await tx.organizations.users(organizationId, [userId]);
        if (known.length > 0) return await tx.organizations.putUser(organizationId, userId, role);
        // The rooms with automation that the user will join. Rooms are always locked before users.
        await tx.lockRooms(await tx.organizationRooms(organizationId, { which: "following", userId }));
        const [user] = await tx.users.lock([userId]);
        if (!user) throw new DomainError("not_found", "There is no such user", { field: "userId" });
        await tx.organizations.putUser(organizationId, userId, role);
        await joinOrganizationRooms(tx, organizationId, user);
      });
    },
    async removeOrganizationUser(organizationId, userId) {
      requireKnown(organizationId);
      const gone = await store.transaction(async (tx) => {
        if (!(await tx.organizations.lock(organizationId))) throw noSuchOrganization();
        const departures = await leaveOrganizationRooms(tx, organizationId, userId);
        if (await tx.organizations.removeUser(organizationId, userId)) return departures;
        throw new DomainError("not_found", "The organization has no such user", { field: "userId" });
      });
      await departed(gone);
    },
  };
}

export function checkRole(field: string, role: OrganizationRole): void {
  if (!ROLES.has(role)) throw badField(field, "must be member, chat or admin");
}

/** @throws DomainError `not_found` for ids beyond 2^53, which no database has */
export function requireKnown(organizationId: number): void {
  if (!Number.isSafeInteger(organizationId)) throw noSuchOrganization();
}

export function noSuchOrganization(): DomainError {
  return new DomainError("not_found", "There is no such organization", { field: "organizationId" });
}
