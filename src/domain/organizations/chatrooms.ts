/** Messenger's chatrooms: rooms of an organization, managed by callers with the right to it. */
import type { Context } from "../context/context.ts";
import { makeOnce } from "../context/repeats.ts";
import { badField, DomainError } from "../errors.ts";
import { type Membership, type Room, type User, userKey } from "../model.ts";
import { waitsInLobby } from "../permissions.ts";
import type { NewMember, StoreTransaction } from "../ports/store/transaction.ts";
import { checkAvatar } from "../rooms/avatars.ts";
import { type Departure, newMember, putPeople } from "../rooms/members.ts";
import { createRoom, patchRoom, removeRoom } from "../rooms/rooms.ts";
import { deleteDueRooms } from "../rooms/scheduled-deletions.ts";
import { checkFuture, checkId, checkName } from "../text-rules.ts";
import { type Chatroom, type ChatroomPeople, type Chatrooms, peopleOf } from "../use-cases/chatrooms.ts";
import { createDefaultRoom, followSource } from "./automation.ts";
import {
  type CallerAccess,
  createChatroomAccess,
  type FoundChatroom,
  noSuchChatroom,
} from "./chatroom-access.ts";

const MAX_PAGE = 50;
const MAX_PEOPLE = 10_000;

/** The lists of people and their roles, in ascending order: a user in several lists gets the highest role. */
const PEOPLE = [
  ["assignedUsers", "user"],
  ["moderators", "moderator"],
  ["admins", "owner"],
] as const;

export function createChatrooms(
  context: Context,
  departed: (gone: readonly Departure[]) => Promise<void>,
): Chatrooms {
  const { store } = context;
  const access = createChatroomAccess(context);

  /** Chatrooms with their people. In rooms in whose lobby the viewer waits, only the viewer is listed. */
  async function shown(
    rooms: readonly Room[],
    viewer: Pick<CallerAccess, "user" | "manages"> | null = null,
  ): Promise<Chatroom[]> {
    const members = new Map<number, Membership[]>(rooms.map(({ id }) => [id, []]));
    for (const membership of await store.memberships.list([...members.keys()])) {
      members.get(membership.roomId)?.push(membership);
    }
    return rooms.map((room) => {
      const all = members.get(room.id) ?? [];
      const me = viewer?.manages ? undefined : all.find(({ userId }) => userId === viewer?.user?.id);
      const isKeptOut = me !== undefined && waitsInLobby(me, room, context.now());
      return { room, ...peopleOf(isKeptOut ? [me] : all) };
    });
  }

  async function show(room: Room, viewer?: CallerAccess): Promise<Chatroom> {
    return (await shown([room], viewer))[0] as Chatroom;
  }

  /** The people whom the user may not add, because the user may not see them; of colleagues, only blocked ones. */
  async function barredFrom(user: User | null, people: ChatroomPeople): Promise<Set<number>> {
    const ids = idsOf(people);
    if (user === null || ids.length === 0) return new Set();
    const visible = new Set(await store.users.visible(user.id, ids));
    return new Set(ids.filter((id) => !visible.has(id)));
  }

  /** Locks the organization, then the room, in a transaction. */
  async function change<T>(
    { room, organizationId }: FoundChatroom,
    work: (tx: StoreTransaction, room: Room) => Promise<T>,
  ): Promise<T> {
    return await store.transaction(async (tx) => {
      await tx.organizations.lock(organizationId);
      const [locked] = await tx.lockRooms([room.id]);
      if (!locked) throw noSuchChatroom();
      return await work(tx, locked);
    });
  }

  return {
    async byEvent(principal, organizationId, eventId) {
      const caller = await access.inside(principal, organizationId);
      const room = Number.isSafeInteger(eventId)
        ? await store.chatrooms.byEvent(organizationId, eventId)
        : null;
      if (!room) throw noSuchChatroom();
      await access.requireVisible(caller, room);
      return await show(room, caller);
    },
    async list(principal, organizationId, { all, limit, offset }) {
      if (!all) checkPage(limit, offset);
      const { manages, user } = await access.inside(principal, organizationId);
      const { entries, total } = await store.chatrooms.ofOrganization(organizationId, {
        ...(all ? { limit: null, offset: 0 } : { limit, offset }),
        ...(!manages && user !== null && { member: userKey(user.id) }),
      });
      return { entries: await shown(entries, { user, manages }), total };
    },
    async create(principal, input) {
      const { organizationId, automationEnabled = false, scheduledDeletion = null } = input;
      const { actor, user } = await access.managing(principal, organizationId);
      const name = checkName("name", input.name);
      if (scheduledDeletion !== null) checkFuture("scheduledDeletion", scheduledDeletion, context.now());
      checkPeople(input);
      const avatar = input.avatar?.length ? await checkAvatar(input.avatar) : null;
      const wanted = { organizationId, name, avatar, automationEnabled, scheduledDeletion, ...idOf(input) };
      const barred = await barredFrom(user, input);
      const make = () =>
        store.transaction(async (tx) => {
          await tx.organizations.lock(organizationId);
          const people = await newMembers(tx, organizationId, input, { creator: user, barred });
          const kind = { type: "group", kind: "custom", history: "joined" } as const;
          const made = await createRoom(tx, actor, { ...wanted, ...kind });
          await putPeople(tx, actor, made, people, "keep");
          return made;
        });
      return await show(await makeOnce(context, actor, input.publicId, make));
    },
    async createDefault(principal, { organizationId, automationEnabled, ...input }) {
      const { actor } = await access.managing(principal, organizationId);
      const make = () =>
        store.transaction(async (tx) => {
          const organization = await tx.organizations.lock(organizationId);
          if (!organization) throw new DomainError("not_found", "There is no such organization");
          return await createDefaultRoom(tx, actor, organization, automationEnabled, idOf(input));
        });
      return await show(await makeOnce(context, actor, input.publicId, make));
    },
    async removeDefault(principal, organizationId) {
      const { actor } = await access.managing(principal, organizationId);
      await store.transaction(async (tx) => {
        await tx.organizations.lock(organizationId);
        const [room] = await tx.lockRooms(await tx.organizationRooms(organizationId, { which: "default" }));
        if (!room) throw new DomainError("not_found", "The organization has no default chatroom");
        await removeRoom(tx, actor, room);
      });
    },
    async get(principal, id) {
      const { room, caller } = await access.find(principal, id);
      await access.requireVisible(caller, room);
      return await show(room, caller);
    },
    async delete(principal, id) {
      const found = await access.findToManage(principal, id);
      if (found.room.kind !== "custom") {
        throw badField("room", `is a ${found.room.kind} chatroom; only custom ones are deleted this way`);
      }
      await change(found, (tx, room) => removeRoom(tx, found.caller.actor, room));
    },
    async update(principal, id, { automationEnabled }) {
      const found = await access.findToManage(principal, id);
      const { room, gone } = await change(found, async (tx, before) => {
        const after = await patchRoom(tx, found.caller.actor, before, { automationEnabled });
        return { room: after, gone: await followSource(tx, after) };
      });
      await departed(gone);
      return await show(room);
    },
    async claim(principal, id) {
      if (principal.kind === "organization") {
        throw new DomainError("forbidden", "Users claim chatrooms; use a Personal-Access-Token");
      }
      const found = await access.find(principal, id);
      const { actor } = found.caller;
      await change(found, async (tx, room) => {
        const [caller] = await tx.organizations.users(found.organizationId, [principal.user.id]);
        if (!caller) throw noSuchChatroom();
        if (room.kind === "custom") requireClaimable(await tx.members(room.id), principal.user.id);
        await putPeople(tx, actor, room, [newMember(caller.user, "owner")], "change");
      });
      return await show(found.room);
    },
    async addUsers(principal, id, people) {
      const found = await access.findToManage(principal, id);
      const { organizationId, caller } = found;
      checkPeople(people);
      const barred = await barredFrom(caller.user, people);
      await change(found, async (tx, room) => {
        for (const { userId } of await tx.members(room.id, [...barred].map(userKey)))
          barred.delete(userId ?? 0);
        const members = await newMembers(tx, organizationId, people, { barred });
        await putPeople(tx, caller.actor, room, members, "change");
      });
      return await show(found.room);
    },
    picture: async (id) => (/^[\w-]{1,128}$/.test(id) ? await context.store.avatars.get(id) : null),
    sweep: (now) => deleteDueRooms(context, now),
  };
}

/**
 * Default and event chatrooms have no owner at first, and any of their users can claim them. A custom chatroom can be
 * claimed only while it has no owner.
 * @throws DomainError `forbidden`
 */
function requireClaimable(members: readonly Membership[], userId: number): void {
  const owners = members.filter(({ role }) => role === "owner");
  if (owners.length === 0 || owners.some((owner) => owner.userId === userId)) return;
  throw new DomainError(
    "forbidden",
    "The chatroom has an owner, who lets people in; default and event chatrooms, and those without an owner, can be claimed",
  );
}

function idOf({ publicId }: { publicId?: string }): { publicId?: string } {
  return publicId === undefined ? {} : { publicId };
}

function checkPage(limit: number, offset: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw badField("limit", "must be an integer from 1 to 50");
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw badField("offset", "must be an integer of at least 0");
  }
}

function checkPeople(people: ChatroomPeople): void {
  let count = 0;
  for (const [field] of PEOPLE) {
    for (const id of people[field] ?? []) checkId(field, id);
    count += people[field]?.length ?? 0;
    if (count > MAX_PEOPLE) throw badField(field, "and the other lists must name at most 10,000 users");
  }
}

function idsOf(people: ChatroomPeople): number[] {
  return PEOPLE.flatMap(([field]) => people[field] ?? []);
}

/**
 * The people as new members, with the creator, if it is a user, as an admin.
 * @throws DomainError `bad_request` on the list that contains somebody who is no user of the organization, or is barred
 */
async function newMembers(
  tx: StoreTransaction,
  organizationId: number,
  people: ChatroomPeople,
  { creator = null, barred }: { creator?: User | null; barred: ReadonlySet<number> },
): Promise<NewMember[]> {
  const users = new Map<number, User>();
  const known = await tx.organizations.users(organizationId, idsOf(people));
  for (const { user } of known) users.set(user.id, user);
  const members = new Map<number, NewMember>();
  for (const [field, role] of PEOPLE) {
    for (const id of people[field] ?? []) {
      const user = users.get(id);
      if (!user) throw badField(field, `names ${id}, who is no user of the organization`);
      if (barred.has(id)) throw badField(field, `names ${id}; one of you blocked the other`);
      members.set(id, newMember(user, role));
    }
  }
  if (creator) members.set(creator.id, newMember(creator, "owner"));
  return [...members.values()];
}
