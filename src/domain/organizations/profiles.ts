/** Profiles of users, as far as the actor may see them. */
import type { Context } from "../context/context.ts";
import { badField } from "../errors.ts";
import type { Actor, User } from "../model.ts";
import type { Profiles } from "../use-cases/people.ts";

const MAX_NAMED = 500;

export function createProfiles({ store }: Context): Profiles {
  /** Users by handle. Handles can be guessed, so only users whom the actor may see are found. */
  async function existing({ kind, id }: Actor, users: readonly User[]): Promise<User[]> {
    if (kind !== "user" || users.length === 0) return [];
    const ids = users.map((user) => user.id);
    const visible = new Set(await store.users.visible(Number(id), ids));
    return users.filter((user) => visible.has(user.id));
  }

  /** Users by id, if they share an organization, a room or a connection with the actor. */
  async function known({ kind, id }: Actor, users: readonly User[]): Promise<User[]> {
    if (kind !== "user" || users.length === 0) return [];
    const ids = users.map((user) => user.id);
    const shown = new Set(await store.people.known(Number(id), ids));
    return users.filter((user) => shown.has(user.id));
  }

  return {
    async named(actor, names) {
      const wanted = "uuids" in names ? names.uuids : names.handles;
      if (wanted.length > MAX_NAMED) throw badField("users", "must be at most 500");
      const found = await store.people.users(names);
      const users = await ("uuids" in names ? known(actor, found) : existing(actor, found));
      if (users.length === 0) return [];
      const ids = users.map(({ id }) => id);
      const shared =
        actor.kind === "user" ? await store.people.sharedOrganizations(Number(actor.id), ids) : [];
      const organizations = new Map(shared.map(({ userId, uuid }) => [userId, uuid]));
      return users.map((user) => ({ user, organization: organizations.get(user.id) ?? null }));
    },
  };
}
