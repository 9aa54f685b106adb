/** Settings of a room for all its members. Each change makes one `room.changed`; without a difference there is none. */
import type { Passwords } from "../auth/passwords.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, type Membership, memberKey, type Room, SYSTEM_ACTOR } from "../model.ts";
import type { Action } from "../permissions.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Change, RoomSettings } from "../use-cases/room-settings.ts";
import { checkInvited, named } from "./invitations.ts";
import { type Departure, putPeople, removePeople } from "./members.ts";
import { changeRoom, changeSettings, type SettingsPatch } from "./rooms.ts";
import {
  checkAccess,
  checkAvatarUrl,
  checkDescription,
  checkMessageTimer,
  checkReceiptMode,
  checkRoomName,
} from "./rules.ts";

/** Rooms of one query. */
const PAGE = 50;
/** A room's password is shared by its visitors, so the minimum length of account passwords does not apply. */
const ANY_LENGTH = 1;

type Work<T> = (tx: StoreTransaction, room: Room, me: Membership | null) => Promise<T>;

export interface RoomSettingsParts {
  passwords: Passwords;
  departed: (gone: readonly Departure[]) => Promise<void>;
  calls: { lobbyClosed(room: NamedRoom): Promise<void> };
}

export function createRoomSettings(
  context: Context,
  { passwords, departed, calls }: RoomSettingsParts,
): RoomSettings {
  const { store, accesses, logger } = context;

  async function change<T>(actor: Actor, room: string, action: Action, work: Work<T>): Promise<T> {
    const { roomId } = await accesses.require(actor, room, action);
    return await changeRoom(context, actor, roomId, action, work);
  }

  function set(actor: Actor, room: string, action: Action, patch: SettingsPatch): Promise<Change> {
    return change(actor, room, action, (tx, room) => changeSettings(tx, actor, room, patch));
  }

  async function close(actor: Actor, room: string): Promise<Change> {
    const { change: made, gone } = await change(actor, room, "publish", async (tx, room) => {
      const changed = await changeSettings(tx, actor, room, { type: "group" });
      return { change: changed, gone: await removeSelfJoined(tx, actor, room) };
    });
    await departed(gone);
    return made;
  }

  return {
    async rename(actor, room, name, naming) {
      const trimmed = checkRoomName(name, naming);
      const { rules } = await accesses.member(actor, room);
      const action = rules.type === "one_to_one" ? "rename_one_to_one" : "rename";
      return await set(actor, room, action, { name: trimmed });
    },
    async setPublic(actor, room, on) {
      if (!on) return await close(actor, room);
      return await change(actor, room, "publish", async (tx, room) => {
        if (room.kind === "default" || room.kind === "event") {
          throw badField("room", `is the ${room.kind} chatroom of an organization, for its users only`);
        }
        return await changeSettings(tx, actor, room, { type: "public" });
      });
    },
    async setPassword(actor, room, password) {
      await accesses.require(actor, room, "password");
      const passwordHash = password === "" ? null : await passwords.hash(password, ANY_LENGTH);
      return await set(actor, room, "password", { passwordHash });
    },
    setReadOnly: (actor, room, readOnly) => set(actor, room, "lock", { readOnly }),
    async setLobby(actor, room, { on, until = null }) {
      if (until !== null && !Number.isSafeInteger(until)) {
        throw badField("until", "must be a time in milliseconds since 1970 UTC, or null");
      }
      const made = await set(actor, room, "lobby", { lobby: on, lobbyUntil: on ? until : null });
      const { id, token } = made.room;
      if (on) await context.bestEffort("Emptying a call", () => calls.lobbyClosed({ id, token }));
      return made;
    },
    setMessageTimer: async (actor, room, ms) =>
      await set(actor, room, "message_timer", { messageTimer: checkMessageTimer(ms) }),
    setReceiptMode: async (actor, room, mode) =>
      await set(actor, room, "receipt_mode", { receiptMode: checkReceiptMode(mode) }),
    async setAccess(actor, room, input) {
      const { access = [], accessRole } = checkAccess(input);
      // Without "code" in the access the guest link is invalid, so it is removed.
      const link = access.includes("code") ? {} : { guestCode: null };
      return await set(actor, room, "access", { access, ...(accessRole && { accessRole }), ...link });
    },
    async update(actor, room, patch) {
      const { members } = patch;
      const { roomId } = await accesses.require(actor, room, "describe");
      const settings = checkPatch(patch);
      const invited = members && (await newcomers(roomId, actor, members));
      const { made, gone } = await change(actor, room, "describe", async (tx, room, me) => {
        const changed = await changeSettings(tx, actor, room, settings);
        if (!invited) return { made: changed, gone: [] };
        await putPeople(tx, actor, room, await named(tx, invited), "keep");
        const kept = new Set([actor, ...(members ?? [])].map(memberKey));
        return { made: changed, gone: await removeOthers(tx, actor, room, kept, me) };
      });
      await departed(gone);
      return made;
    },
    async sweep(now) {
      for (const { id } of await store.rooms.dueLobbies(now, PAGE)) {
        try {
          await openLobby(id, now);
        } catch (error) {
          logger.error(
            { event: "lobby.opening_failed", err: error, roomId: id },
            "could not open a lobby that is due; the next sweep tries again",
          );
        }
      }
    },
  };

  /** The members to add. Present members stay, also those whom the actor may not see. */
  async function newcomers(roomId: number, actor: Actor, members: readonly Actor[]) {
    const here = new Set((await store.memberships.list([roomId])).map(({ member }) => member));
    const others = members.filter((member) => !here.has(memberKey(member)));
    return await checkInvited(context, actor, others.map(asUser));
  }

  async function openLobby(id: number, now: number): Promise<void> {
    await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([id]);
      // Another gateway opened the lobby, or its time was moved.
      if (!room?.lobby || room.lobbyUntil === null || room.lobbyUntil > now) return;
      await changeSettings(tx, SYSTEM_ACTOR, room, { lobby: false, lobbyUntil: null });
    });
  }
}

function asUser(member: Actor) {
  return { member, role: "user" as const };
}

function checkPatch({ name, description, avatarUrl }: Parameters<RoomSettings["update"]>[2]): SettingsPatch {
  return {
    ...(name !== undefined && { name: checkRoomName(name) }),
    ...(description !== undefined && { description: checkDescription(description) }),
    // The URL replaces a picture that Causeway stored for the room.
    ...(avatarUrl !== undefined && { avatarUrl: checkAvatarUrl(avatarUrl), avatarId: null }),
  };
}

/** Removes members who joined the public room by themselves, because it is no longer public. */
async function removeSelfJoined(tx: StoreTransaction, actor: Actor, room: Room): Promise<Departure[]> {
  const passing = (await tx.members(room.id)).filter(
    ({ role }) => role === "guest" || role === "guest_moderator" || role === "self_joined",
  );
  const keys = passing.map(({ member }) => member);
  return await removePeople(tx, actor, room, keys);
}

/** Removes users who are not in `kept`. Guests and Matrix members stay, because a list of users can't name them. */
async function removeOthers(
  tx: StoreTransaction,
  actor: Actor,
  room: Room,
  kept: ReadonlySet<string>,
  me: Membership | null,
): Promise<Departure[]> {
  const others = (await tx.members(room.id)).filter(
    ({ member, userId }) => userId !== null && !kept.has(member),
  );
  if (me !== null && me.role !== "owner" && others.some(({ role }) => role === "owner")) {
    throw new DomainError("forbidden", "Only an owner removes an owner");
  }
  const keys = others.map(({ member }) => member);
  return await removePeople(tx, actor, room, keys);
}
