/** Groups of users, which provisioning maintains. In Talk a whole group can be added to a room. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { checkGroupId, checkName, isHandle } from "../text-rules.ts";
import type { GroupDirectory } from "../use-cases/directory.ts";

const MAX_MEMBERS = 10_000;
/** Look-ups that run at once. */
const LOOKUPS = 50;

export function createGroups({ store }: Context): GroupDirectory {
  async function idOf(handle: string): Promise<number> {
    const user = isHandle(handle) ? await store.users.byHandle(handle) : null;
    if (!user)
      throw badField("members", `names ${JSON.stringify(handle.slice(0, 64))}, whom nobody is called`);
    return user.id;
  }

  return {
    async putGroup(id, { name, members }) {
      checkGroupId(id);
      const trimmed = checkName("name", name);
      if (members.length > MAX_MEMBERS) throw badField("members", "must be at most 10,000 handles");
      const handles = [...new Set(members)];
      const ids: number[] = [];
      for (let i = 0; i < handles.length; i += LOOKUPS) {
        ids.push(...(await Promise.all(handles.slice(i, i + LOOKUPS).map(idOf))));
      }
      await store.groups.put({ id, name: trimmed, members: ids });
    },
    async deleteGroup(id) {
      if (!(await store.groups.delete(checkGroupId(id)))) throw noSuchGroup();
    },
    async group(id) {
      const group = await store.groups.byId(id);
      if (!group) throw noSuchGroup();
      const users = await store.users.byIds(group.members);
      return { id: group.id, name: group.name, members: users.map(({ handle }) => handle) };
    },
  };
}

function noSuchGroup(): DomainError {
  return new DomainError("not_found", "There is no such group", { field: "groupId" });
}
