/** Finds people by their names, as far as the actor may know them. */
import type { Context } from "../context/context.ts";
import { badField } from "../errors.ts";
import { isPublicId, numberOfId } from "../ids.ts";
import type { User } from "../model.ts";
import { checkName, isHandle } from "../text-rules.ts";
import type { People, Person } from "../use-cases/people.ts";

const MAX_FOUND = 100;
const QUERY_CODE_POINTS = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function createPeople({ store }: Context): People {
  async function withLastSeen(me: number, users: readonly User[]): Promise<Person[]> {
    const ids = users.map(({ id }) => id);
    const seen = new Map(ids.length === 0 ? [] : await store.people.lastSeen(me, ids));
    return users.map((user) => ({ user, lastSeen: seen.get(user.id) ?? null }));
  }

  /** Users by the kinds of names that `names` can be. Handles are looked up last: one may look like another's id. */
  async function named(me: number, names: readonly string[]): Promise<User[]> {
    const ids = names.map(numberOfId).filter((id) => id > 0);
    const uuids = names.filter((name) => UUID.test(name));
    const publicIds = names.filter(isPublicId);
    const handles = names.filter(isHandle);
    const [byId, byUuid, byPublicId, byHandle] = await Promise.all([
      ids.length === 0 ? [] : store.users.byIds(ids),
      uuids.length === 0 ? [] : store.people.users({ uuids }),
      publicIds.length === 0 ? [] : store.people.users({ publicIds }),
      handles.length === 0 ? [] : store.people.users({ handles }),
    ]);
    const all = [...byId, ...byUuid, ...byPublicId, ...byHandle];
    const found = all.map(({ id }) => id);
    if (found.length === 0) return [];
    const [known, visible] = await Promise.all([
      store.people.known(me, found),
      store.users.visible(me, found),
    ]);
    const shown = new Set([me, ...visible]);
    const here = new Set([...shown, ...known]);
    const users = [
      ...[...byId, ...byUuid, ...byPublicId].filter(({ id }) => here.has(id)),
      // Handles can be guessed.
      ...byHandle.filter(({ id }) => shown.has(id)),
    ];
    return [...new Map(users.map((user) => [user.id, user])).values()];
  }

  return {
    async find(actor, { query, ids, limit }) {
      if ((query === undefined) === (ids === undefined))
        throw badField("query", "or ids is required, and not both");
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FOUND) {
        throw badField("limit", `must be an integer from 1 to ${MAX_FOUND}`);
      }
      if (ids && ids.length > MAX_FOUND) throw badField("ids", `must name at most ${MAX_FOUND} users`);
      const text = query === undefined ? "" : checkName("query", query, QUERY_CODE_POINTS);
      if (actor.kind !== "user") return [];
      const me = Number(actor.id);
      const users = ids ? await named(me, ids) : await store.users.search(me, { text, limit });
      return await withLastSeen(me, users.slice(0, limit));
    },
  };
}
