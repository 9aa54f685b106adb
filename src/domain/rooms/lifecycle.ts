/** Making and changing rooms and their members, for all faces and the bridge. chatrooms.ts has Messenger's management. */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { makeOnce } from "../context/repeats.ts";
import { badField, DomainError } from "../errors.ts";
import { derivedPublicId } from "../ids.ts";
import {
  type Actor,
  type LoggedEvent,
  type Membership,
  memberKey,
  type Picture,
  type Role,
  type Room,
} from "../model.ts";
import { type Action, isModerator } from "../permissions.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { checkClientId, checkName } from "../text-rules.ts";
import type { CreateRoom, RoomLifecycle } from "../use-cases/room-lifecycle.ts";
import type { PictureOf } from "./avatars.ts";
import { checkInvited, checkRole, type Invited, named } from "./invitations.ts";
import { type Departure, putPeople, removePeople } from "./members.ts";
import { openPair } from "./one-to-one.ts";
import { changeRoom, createRoom, isSystem, patchRoom, removeRoom, unlessDone } from "./rooms.ts";
import {
  checkAccess,
  checkAvatarUrl,
  checkDescription,
  checkMessageTimer,
  checkReceiptMode,
  checkRoomName,
} from "./rules.ts";

export interface RoomLifecycleParts {
  departed: (gone: readonly Departure[]) => Promise<void>;
  pictureOf: PictureOf;
}

export function createRoomLifecycle(
  context: Context,
  { departed, pictureOf }: RoomLifecycleParts,
): RoomLifecycle {
  const { store, accesses } = context;

  async function make(actor: Actor, input: CreateRoom): Promise<Room> {
    const { avatar = null } = input;
    return await create(context, actor, input, avatar === null ? null : await pictureOf(actor, avatar));
  }

  /** The room's id, after the check that the actor may do `action`, and before checks of the input. */
  async function idFor(actor: Actor, token: string, action: Action): Promise<number> {
    if (!isSystem(actor)) return (await accesses.require(actor, token, action)).roomId;
    const room = await store.rooms.byToken(token);
    if (!room) throw noSuchRoom();
    return room.id;
  }

  async function change<T>(
    actor: Actor,
    room: string,
    action: Action,
    work: (tx: StoreTransaction, room: Room, me: Membership | null) => Promise<T>,
  ): Promise<T> {
    return await changeRoom(context, actor, await idFor(actor, room, action), action, work);
  }

  async function leave(actor: Actor, room: string): Promise<LoggedEvent | null> {
    const gone = await unlessDone(context, actor, room, "left", () =>
      change(actor, room, "leave", async (tx, room) => {
        const gone = await removePeople(tx, null, room, [memberKey(actor)]);
        // Who leaves a request refuses it.
        if (room.request && gone.length > 0) await removeRoom(tx, actor, room);
        return gone;
      }),
    );
    await departed(gone ?? []);
    return gone?.[0]?.event ?? null;
  }

  return {
    list: (actor) => store.roomLists.list(memberKey(actor)),
    create: (actor, input) => makeOnce(context, actor, input.publicId, () => make(actor, input)),
    async createOnce(actor, key, input) {
      checkClientId(key, false);
      // The secret is part of it, so that nobody finds rooms by guessing the ids that clients give.
      const publicId = derivedPublicId(JSON.stringify(["room", store.secret, memberKey(actor), key]));
      let created = false;
      const room = await makeOnce(context, actor, publicId, async () => {
        const made = await make(actor, { ...input, publicId });
        created = true;
        return made;
      });
      return { room, created };
    },
    async rename(actor, room, name) {
      const trimmed = checkName("name", name);
      return await change(actor, room, "rename", (tx, room) => patchRoom(tx, actor, room, { name: trimmed }));
    },
    setReadOnly: (actor, room, readOnly) =>
      change(actor, room, "lock", (tx, room) => patchRoom(tx, actor, room, { readOnly })),
    async addMembers(actor, room, members, { most = Number.POSITIVE_INFINITY } = {}) {
      const id = await idFor(actor, room, "add_members");
      const invited = await checkInvited(context, actor, members);
      return await changeRoom(context, actor, id, "add_members", async (tx, room, me) => {
        if (me !== null) requireRank(me.role, invited);
        const joined = await putPeople(tx, actor, room, await named(tx, invited), "keep");
        if (joined.length > 0 && (await tx.countMembers(room.id)).members > most) {
          throw new DomainError("too_large", `members would be more than ${most}`, { field: "members" });
        }
        return joined;
      });
    },
    async removeMember(actor, room, member) {
      if (memberKey(member) === memberKey(actor)) return await leave(actor, room);
      const gone = await change(actor, room, "remove_members", async (tx, room, me) => {
        const [target] = await tx.members(room.id, [memberKey(member)]);
        if (!target) return [];
        if (target.role === "owner" && me !== null && me.role !== "owner") {
          throw new DomainError("forbidden", "Only an owner removes an owner");
        }
        const left = await removePeople(tx, actor, room, [target.member]);
        await tx.visits.keepOut(room.id, [target.member]);
        return left;
      });
      await departed(gone);
      return gone[0]?.event ?? null;
    },
    async setRole(actor, room, member, role) {
      checkRole(member, role);
      return await change(actor, room, "set_roles", async (tx, room, me) => {
        const target = await memberOf(tx, room, member);
        if (me !== null && me.role !== "owner" && (role === "owner" || target.role === "owner")) {
          throw new DomainError("forbidden", "Only an owner makes or unmakes an owner");
        }
        if (room.kind === null && isModerator(target.role) && !isModerator(role)) {
          await requireAnotherModerator(tx, room, target);
        }
        const [event = null] = await putPeople(tx, actor, room, [{ ...target, role }], "change");
        return event;
      });
    },
    leave,
    async delete(actor, room) {
      const deleted = await unlessDone(context, actor, room, "deleted", () =>
        change(actor, room, "delete_room", async (tx, room) => {
          if (!isSystem(actor) && (room.kind === "default" || room.kind === "event")) {
            throw badField("room", `is the ${room.kind} chatroom of an organization, which alone deletes it`);
          }
          await removeRoom(tx, actor, room);
          return true;
        }),
      );
      return deleted ?? false;
    },
  };
}

// ── Creating ─────────────────────────────────────────────────────────────────────────────────────────

async function create(
  context: Context,
  actor: Actor,
  input: CreateRoom,
  avatar: Picture | null,
): Promise<Room> {
  if (actor.kind !== "user" && !isSystem(actor)) throw new DomainError("forbidden", "Only users make rooms");
  const { type, members = [] } = input;
  const settings = checkSettings(input);
  const organizationId = input.organizationId ?? null;
  await requireOrganization(context, actor, organizationId);
  const role = type === "one_to_one" ? ("owner" as const) : null;
  const invited = await checkInvited(
    context,
    actor,
    members.map((one) => ({ member: one.member, role: role ?? one.role })),
  );
  const others = invited.filter(({ member }) => memberKey(member) !== memberKey(actor));
  const people: Invited[] = isSystem(actor) ? others : [{ member: actor, role: "owner" }, ...others];
  if (type === "one_to_one" && people.length !== 2) {
    throw badField("members", "must name exactly one other person for a one-to-one room");
  }
  const given = input.publicId === undefined ? {} : { publicId: input.publicId };
  const made = {
    ...settings,
    avatar,
    organizationId,
    history: input.history ?? ("joined" as const),
    ...given,
  };
  return await context.store.transaction(async (tx) => {
    if (type === "one_to_one") return (await openPair(tx, actor, people, made)).room;
    const newcomers = await named(tx, people);
    const room = await createRoom(tx, actor, { ...made, type, kind: null });
    await putPeople(tx, actor, room, newcomers, "keep");
    return room;
  });
}

function checkSettings(input: CreateRoom) {
  const { type, naming, description, avatarUrl, messageTimer, receiptMode, access, accessRole } = input;
  const unnamed = input.name.trim() === "" && (type === "one_to_one" || naming === "wire");
  return {
    name: unnamed ? "" : checkRoomName(input.name, naming),
    ...(description !== undefined && { description: checkDescription(description) }),
    ...(avatarUrl !== undefined && { avatarUrl: checkAvatarUrl(avatarUrl) }),
    ...(messageTimer !== undefined && { messageTimer: checkMessageTimer(messageTimer) }),
    ...(receiptMode !== undefined && { receiptMode: checkReceiptMode(receiptMode) }),
    ...checkAccess({ access, accessRole }),
  };
}

async function requireOrganization({ store }: Context, actor: Actor, id: number | null): Promise<void> {
  if (id === null) return;
  const found =
    actor.kind === "user"
      ? await store.organizations.role(id, Number(actor.id))
      : isSystem(actor) && (await store.organizations.byId(id));
  if (!found) {
    throw new DomainError("not_found", "There is no such organization, or you are not in it", {
      field: "organizationId",
    });
  }
}

// ── Members ──────────────────────────────────────────────────────────────────────────────────────────

/** Nobody may give a role above their own. @throws DomainError `forbidden` */
function requireRank(mine: Role, invited: readonly Invited[]): void {
  if (mine !== "owner" && invited.some(({ role }) => role === "owner")) {
    throw new DomainError("forbidden", "Only an owner makes somebody an owner");
  }
}

async function memberOf(tx: StoreTransaction, room: Room, actor: Actor): Promise<Membership> {
  const [membership] = await tx.members(room.id, [memberKey(actor)]);
  if (membership) return membership;
  throw new DomainError("not_found", "member is not in the room", { field: "member" });
}

async function requireAnotherModerator(tx: StoreTransaction, room: Room, target: Membership): Promise<void> {
  const members = await tx.members(room.id);
  if (members.some(({ member, role }) => member !== target.member && isModerator(role))) return;
  throw badField(
    "role",
    "can't be changed: nobody else moderates the room; make somebody else a moderator first",
  );
}
