/** Names of people and organizations. It says who there is, and no more; see ../use-cases/lookup.ts. */
import type { Context } from "../context/context.ts";
import { NOBODY, userActor } from "../model.ts";
import type { Lookup } from "../use-cases/lookup.ts";

export function createLookup({ store }: Context): Lookup {
  return {
    async actor(handle) {
      const user = await store.users.byHandle(handle);
      return user ? userActor(user) : NOBODY;
    },
    async actors(names) {
      if (names.length === 0) return [];
      const [byId, byHandle] = await Promise.all([
        store.people.users({ publicIds: names }),
        store.people.users({ handles: names }),
      ]);
      const ids = new Map(byId.map((user) => [user.publicId, user]));
      const handles = new Map(byHandle.map((user) => [user.handle.toLowerCase(), user]));
      return names.map((name) => {
        const user = ids.get(name) ?? handles.get(name.toLowerCase());
        return user ? userActor(user) : NOBODY;
      });
    },
    async users(ids) {
      const users = ids.length === 0 ? [] : await store.users.byIds([...new Set(ids)]);
      return new Map(users.map((user) => [user.id, user]));
    },
    uuids: (of, ids) => store.journal.uuids(of, ids),
    roomNames: (ids) => store.journal.roomNames(ids),
    async organizationsOf({ id }) {
      return (await store.organizations.of(id)).map(({ organization }) => organization);
    },
    async organizationUsers(organizationId) {
      return (await store.organizations.users(organizationId)).map(({ user }) => user);
    },
  };
}
