/** Makes, changes and deletes users, together with their memberships and logins. */
import type { Passwords } from "../auth/passwords.ts";
import type { Context } from "../context/context.ts";
import { announceRenamed, announcingDeleted } from "../context/renamed.ts";
import { badField, DomainError } from "../errors.ts";
import { type OrganizationRole, SYSTEM_ACTOR, type User, userKey } from "../model.ts";
import type { NewUser, UserPatch } from "../ports/store/accounts/users.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { type Departure, removePeople } from "../rooms/members.ts";
import { checkEmail, checkHandle, checkName } from "../text-rules.ts";
import type { UserDirectory } from "../use-cases/directory.ts";
import { joinOrganizationRooms } from "./automation.ts";
import { checkRole } from "./organizations.ts";

/** How often a deletion starts again when the user has joined another room in between. */
const MAX_DELETIONS = 10;

export function createUsers(
  context: Context,
  passwords: Passwords,
  departed: (gone: readonly Departure[]) => Promise<void>,
): UserDirectory {
  const { store, hot } = context;

  /** Makes every gateway check the user's sessions. Access tokens in hot state are invalid without their logins. */
  async function loginsEnded(id: number): Promise<void> {
    context.broadcasts.userChanged(id);
    await context.bestEffort("Ending a user's access tokens", () => hot.tokens.dropUser(id));
  }

  /** Announces a new name to the user's sessions and rooms. */
  async function tell(before: User, user: User, rooms: readonly number[]): Promise<void> {
    if (user.displayName === before.displayName && user.handle === before.handle) return;
    context.broadcasts.userChanged(user.id);
    await announceRenamed(context, user, rooms);
  }

  return {
    async createUser({ handle, password, displayName, email, administrator = false, organizations = [] }) {
      const roles = checkOrganizations(organizations);
      const user = {
        handle: checkHandle("handle", handle),
        displayName: checkName("displayName", displayName ?? handle),
        email: email === undefined ? null : checkEmail(email),
        administrator,
        passwordHash: password === undefined ? null : await passwords.hash(password),
      };
      return await store.transaction((tx) => makeUser(tx, user, roles));
    },
    async updateUser(id, { password, ...given }) {
      const patch: UserPatch = {
        ...(given.handle !== undefined && { handle: checkHandle("handle", given.handle) }),
        ...(given.displayName !== undefined && { displayName: checkName("displayName", given.displayName) }),
        ...(given.email !== undefined && { email: given.email === null ? null : checkEmail(given.email) }),
        ...(given.administrator !== undefined && { administrator: given.administrator }),
        ...(password !== undefined && { passwordHash: await passwords.hash(password) }),
      };
      const before = Number.isSafeInteger(id) ? await store.users.byId(id) : null;
      if (!before) throw noSuchUser();
      const { user, rooms } = await store.transaction(async (tx) => {
        const changed = await tx.users.update(id, patch);
        if (changed && password !== undefined) await tx.users.endLogins(id);
        return { user: changed, rooms: await tx.roomIdsOf(userKey(id)) };
      });
      if (!user) throw noSuchUser();
      if (password !== undefined) await loginsEnded(id);
      await tell(before, user, rooms);
      return user;
    },
    async user(id) {
      const user = await store.users.byId(id);
      if (!user) throw noSuchUser();
      return user;
    },
    users: (page) => store.users.list(page),
    async endLogins(id) {
      if (!Number.isSafeInteger(id)) throw noSuchUser();
      if (!(await store.transaction((tx) => tx.users.endLogins(id)))) throw noSuchUser();
      await loginsEnded(id);
    },
    async deleteUser(id) {
      if (!Number.isSafeInteger(id)) throw noSuchUser();
      const announce = await announcingDeleted(context, id);
      const gone = await deleteWithRooms(context, id);
      announce();
      await loginsEnded(id);
      await departed(gone);
    },
  };
}

/**
 * Makes a user who is in these organizations and the rooms that follow them.
 * @param roles in the order in which organizations are locked: by id
 * @throws DomainError `conflict` on a handle or e-mail in use; `bad_request` on `organizations`
 */
export async function makeUser(
  tx: StoreTransaction,
  user: NewUser,
  roles: ReadonlyMap<number, OrganizationRole> = new Map(),
): Promise<User> {
  for (const id of roles.keys()) {
    if (await tx.organizations.lock(id)) continue;
    throw badField("organizations", `names ${id}, which does not exist`);
  }
  const created = await tx.users.create(user);
  for (const [id, role] of roles) {
    await tx.organizations.putUser(id, created.id, role);
    await joinOrganizationRooms(tx, id, created);
  }
  return created;
}

/** Each organization once, in the order in which they are locked. */
function checkOrganizations(
  organizations: readonly { id: number; role: OrganizationRole }[],
): Map<number, OrganizationRole> {
  for (const { id, role } of organizations) {
    if (!Number.isSafeInteger(id)) throw badField("organizations", `names ${id}, which does not exist`);
    checkRole("organizations", role);
  }
  const sorted = [...organizations].sort((a, b) => a.id - b.id);
  return new Map(sorted.map(({ id, role }) => [id, role]));
}

/** The user joined a room or an organization between the look-up and the lock. */
class JoinedMeanwhile extends Error {
  override readonly name = "JoinedMeanwhile";
}

async function deleteWithRooms({ store }: Context, id: number): Promise<Departure[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await store.transaction((tx) => deleteAndLeave(tx, id));
    } catch (error) {
      if (error instanceof JoinedMeanwhile && attempt < MAX_DELETIONS) continue;
      throw error;
    }
  }
}

/** Locks organizations, rooms, then the user, always in this order. With the locks nobody can add the user anywhere. */
async function deleteAndLeave(tx: StoreTransaction, id: number): Promise<Departure[]> {
  const member = userKey(id);
  for (const organizationId of await tx.organizations.idsOf(id)) {
    await tx.organizations.lock(organizationId);
  }
  const rooms = await tx.lockRooms(await tx.roomIdsOf(member));
  if (!(await tx.users.delete(id))) throw noSuchUser();
  const locked = new Set(rooms.map((room) => room.id));
  const current = await tx.roomIdsOf(member);
  if (!current.every((room) => locked.has(room))) throw new JoinedMeanwhile();
  const departures: Departure[] = [];
  for (const room of rooms) {
    // The block ends with the user.
    if (room.blocked) await tx.updateRoom(room.id, { blocked: false });
    departures.push(...(await removePeople(tx, SYSTEM_ACTOR, room, [member])));
  }
  return departures;
}

function noSuchUser(): DomainError {
  return new DomainError("not_found", "There is no such user", { field: "id" });
}
