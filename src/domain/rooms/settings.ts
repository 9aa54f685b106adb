/** Settings of a room for all its members. Each change makes one `room.changed`; without a difference there is none. */
import type { Passwords } from "../auth/passwords.ts";
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import {
  type Actor,
  type Membership,
  memberKey,
  type Picture,
  type Room,
  type RoomRules,
  SYSTEM_ACTOR,
} from "../model.ts";
import { type Action, can } from "../permissions.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Change, RoomSettings, RoomUpdate } from "../use-cases/room-settings.ts";
import type { PictureOf } from "./avatars.ts";
import { checkInvited, type Invited, named } from "./invitations.ts";
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
  pictureOf: PictureOf;
}

export function createRoomSettings(
  context: Context,
  { passwords, departed, calls, pictureOf }: RoomSettingsParts,
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
        requireOpenable(room);
        return await changeSettings(tx, actor, room, { type: "public" });
      });
    },
    async setPassword(actor, room, password) {
      await accesses.require(actor, room, "password");
      return await set(actor, room, "password", { passwordHash: await hashOf(null, password) });
    },
    setReadOnly: (actor, room, readOnly) => set(actor, room, "lock", { readOnly }),
    async setLobby(actor, room, { on, until = null }) {
      checkUntil("until", until);
      const made = await set(actor, room, "lobby", { lobby: on, lobbyUntil: on ? until : null });
      if (on) await emptyCall(made.room);
      return made;
    },
    setMessageTimer: async (actor, room, ms) =>
      await set(actor, room, "message_timer", { messageTimer: checkMessageTimer(ms) }),
    setReceiptMode: async (actor, room, mode) =>
      await set(actor, room, "receipt_mode", { receiptMode: checkReceiptMode(mode) }),
    async setAccess(actor, room, input) {
      const { access = [], accessRole } = checkAccess(input);
      // Without "code" in the access the guest link is invalid, so it is removed.
      const link = access.includes("code") ? {} : { guestCode: null, guestPasswordHash: null };
      return await set(actor, room, "access", { access, ...(accessRole && { accessRole }), ...link });
    },
    async update(actor, room, patch) {
      const { roomId, membership, rules } = await accesses.require(actor, room, "describe");
      requireEach(membership, rules, patch);
      const { members } = patch;
      const settings = { ...checkPatch(patch), ...(await worked(actor, roomId, patch)) };
      const invited = members && (await newcomers(roomId, actor, members));
      const { made, gone } = await changeRoom(context, actor, roomId, "describe", async (tx, room, me) => {
        if (me) requireEach(me, room, patch);
        return await apply(tx, actor, room, {
          settings: { ...settings, ...lobbyPatch(room, patch) },
          patch,
          invited,
          me,
        });
      });
      await departed(gone);
      if (made.event && patch.lobby) await emptyCall(made.room);
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

  async function emptyCall({ id, token }: NamedRoom): Promise<void> {
    await context.bestEffort("Emptying a call", () => calls.lobbyClosed({ id, token }));
  }

  /** The hash of a password; the `known` one where it is of the same password. */
  async function hashOf(known: string | null, password: string): Promise<string | null> {
    if (password === "") return null;
    if (known !== null && (await passwords.verify(known, password, "known"))) return known;
    return await passwords.hash(password, ANY_LENGTH);
  }

  /** What takes longer than a room may be locked: the hash of a password, and the bytes of a picture. */
  async function worked(
    actor: Actor,
    roomId: number,
    { password, avatar }: RoomUpdate,
  ): Promise<SettingsPatch> {
    if (password === undefined && avatar === undefined) return {};
    const before = await store.rooms.byId(roomId);
    if (!before) throw noSuchRoom();
    return {
      ...(password !== undefined && { passwordHash: await hashOf(before.passwordHash, password ?? "") }),
      ...(avatar === null && { avatarId: null, avatarUrl: null }),
      ...(typeof avatar === "string" && (await newPicture(before, await pictureOf(actor, avatar)))),
    };
  }

  /** Nothing where the room has this picture already. */
  async function newPicture({ avatarId }: Room, avatar: Picture): Promise<SettingsPatch> {
    const kept = avatarId === null ? null : await store.avatars.get(avatarId);
    if (kept && Buffer.compare(kept.bytes, avatar.bytes) === 0) return {};
    return { avatar, avatarUrl: null };
  }

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

interface Update {
  settings: SettingsPatch;
  patch: RoomUpdate;
  /** The users to add, where `patch` replaces the members. */
  invited: readonly Invited[] | undefined;
  me: Membership | null;
}

async function apply(
  tx: StoreTransaction,
  actor: Actor,
  room: Room,
  { settings, patch: { type, members }, invited, me }: Update,
): Promise<{ made: Change; gone: Departure[] }> {
  if (type === "public" && room.type !== type) requireOpenable(room);
  const made = await changeSettings(tx, actor, room, settings);
  if (!invited || !members) {
    const isClosed = type === "group" && room.type === "public";
    return { made, gone: isClosed ? await removeSelfJoined(tx, actor, room) : [] };
  }
  await putPeople(tx, actor, room, await named(tx, invited), "keep");
  const kept = new Set([actor, ...members].map(memberKey));
  return { made, gone: await removeOthers(tx, actor, room, kept, me) };
}

/** Whether the room may become public. @throws DomainError `bad_request` */
function requireOpenable({ kind }: Room): void {
  if (kind === "default" || kind === "event") {
    throw badField("room", `is the ${kind} chatroom of an organization, for its users only`);
  }
}

const UPDATE_ACTIONS = {
  ...{ name: "rename", description: "describe", avatar: "avatar", avatarUrl: "avatar", members: "describe" },
  ...{ type: "publish", password: "password", readOnly: "lock", posting: "posting" },
  ...{ lobby: "lobby", lobbyUntil: "lobby", messageTimer: "message_timer" },
} as const satisfies Record<keyof RoomUpdate, Action>;

/** Whether the member may change each field that is given. @throws DomainError */
function requireEach(me: Pick<Membership, "role">, room: RoomRules, patch: RoomUpdate): void {
  // A room that becomes public may be given a password, and one that is public no more may lose it.
  const isPublic = room.type === "public" || (room.type === "group" && patch.type === "public");
  const rules = { ...room, type: isPublic ? ("public" as const) : room.type };
  for (const [field, action] of Object.entries(UPDATE_ACTIONS)) {
    const verdict = patch[field as keyof RoomUpdate] === undefined ? null : can(me, rules, action, 0);
    if (verdict !== null) throw refusal(verdict, action, room);
  }
}

function asUser(member: Actor) {
  return { member, role: "user" as const };
}

function checkPatch(patch: RoomUpdate): SettingsPatch {
  const { name, description, avatarUrl, type, readOnly, posting, messageTimer } = patch;
  return {
    ...(name !== undefined && { name: checkRoomName(name) }),
    ...(description !== undefined && { description: checkDescription(description) }),
    // The URL replaces a picture that Causeway stored for the room.
    ...(avatarUrl !== undefined && { avatarUrl: checkAvatarUrl(avatarUrl), avatarId: null }),
    ...(type !== undefined && { type }),
    ...(readOnly !== undefined && { readOnly }),
    ...(posting !== undefined && { posting }),
    ...(messageTimer !== undefined && { messageTimer: checkMessageTimer(messageTimer) }),
  };
}

function lobbyPatch(room: Room, { lobby = room.lobby, lobbyUntil }: RoomUpdate): SettingsPatch {
  if (typeof lobbyUntil === "number" && !lobby)
    throw badField("lobbyUntil", "is of a closed lobby only: say lobby true, too");
  const until = lobbyUntil === undefined ? room.lobbyUntil : checkUntil("lobbyUntil", lobbyUntil);
  return { lobby, lobbyUntil: lobby ? until : null };
}

function checkUntil(field: string, until: number | null): number | null {
  if (until === null || Number.isSafeInteger(until)) return until;
  throw badField(field, "must be a time in milliseconds since 1970 UTC, or null");
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
