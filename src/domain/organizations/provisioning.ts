/** Provisioning by users who are administrators (Talk's `/cloud`). */
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { User } from "../model.ts";
import { checkGroupId, isHandle } from "../text-rules.ts";
import type { Directory, Provisioning } from "../use-cases/directory.ts";

export function createProvisioning({ store }: Context, directory: Directory): Provisioning {
  async function userNamed(handle: string): Promise<User> {
    const user = isHandle(handle) ? await store.users.byHandle(handle) : null;
    if (!user) throw new DomainError("not_found", "There is no such user");
    return user;
  }

  return {
    async users(caller, page) {
      requireAdministrator(caller);
      return await store.users.handles(page);
    },
    async groups(caller, page) {
      requireAdministrator(caller);
      return await store.groups.ids(page);
    },
    async groupUsers(caller, groupId) {
      requireAdministrator(caller);
      const group = await store.groups.byId(checkGroupId(groupId));
      if (!group) throw new DomainError("not_found", "There is no such group", { field: "groupId" });
      return (await store.users.byIds(group.members)).map(({ handle }) => handle);
    },
    async user(caller, handle) {
      if (!caller.administrator && caller.handle.toLowerCase() !== handle.toLowerCase()) throw notAllowed();
      const user = await userNamed(handle);
      return { user, groups: await store.groups.idsOf(user.id) };
    },
    async createUser(caller, input) {
      requireAdministrator(caller);
      return await directory.createUser(input);
    },
    async updateUser(caller, handle, patch) {
      requireAdministrator(caller);
      await directory.updateUser((await userNamed(handle)).id, patch);
    },
    async deleteUser(caller, handle) {
      requireAdministrator(caller);
      await directory.deleteUser((await userNamed(handle)).id);
    },
    async addToGroup(caller, handle, groupId) {
      requireAdministrator(caller);
      const { id } = await userNamed(handle);
      if (await store.groups.addUser(checkGroupId(groupId), id)) return;
      throw new DomainError("not_found", "There is no such group", { field: "groupId" });
    },
    async createGroup(caller, groupId) {
      requireAdministrator(caller);
      const id = checkGroupId(groupId);
      if (await store.groups.create({ id, name: id })) return;
      throw new DomainError("conflict", "The group exists already", { field: "groupId" });
    },
    async deleteGroup(caller, groupId) {
      requireAdministrator(caller);
      await directory.deleteGroup(groupId);
    },
  };
}

function requireAdministrator(caller: User): void {
  if (!caller.administrator) throw notAllowed();
}

function notAllowed(): DomainError {
  return new DomainError("forbidden", "Only administrators may do this");
}
