/**
 * Guest links: a user with the link of a room can join it as a plain member. A room may have a link if its access includes
 * "code"; the link consists of the room's public id and a secret code. With "link" in the access, the room's UUID is enough.
 * Any member may make, read and remove the link. Moderators decide through the access whether there may be one.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Passwords } from "../auth/passwords.ts";
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { type Actor, type LoggedEvent, memberKey, type Room } from "../model.ts";
import { can } from "../permissions.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Change, GuestLink, GuestLinks, NamedLink } from "../use-cases/room-settings.ts";
import type { Comer, RoomDoor } from "./admission.ts";
import { named } from "./invitations.ts";
import { putPeople } from "./members.ts";
import { changeRoom, changeSettings, type SettingsPatch } from "./rooms.ts";

const CODE_BYTES = 15;
/** A link's password is shared by its visitors, so the minimum length of account passwords does not apply. */
const ANY_LENGTH = 1;

type EntryKind = "code" | "link";
type LinkState = Parameters<GuestLinks["set"]>[2];
type LinkPatch = Pick<SettingsPatch, "guestCode" | "guestPasswordHash">;

/** How somebody comes in. */
interface Entry {
  code?: string;
  comer?: Comer;
  most: number | undefined;
}

export interface GuestLinkParts {
  passwords: Passwords;
  door: RoomDoor;
}

export function createGuestLinks(context: Context, { passwords, door }: GuestLinkParts): GuestLinks {
  const { store, accesses, now } = context;

  /** Changes the link of a room that may have one. */
  async function change(
    actor: Actor,
    room: string,
    work: (tx: StoreTransaction, room: Room) => Promise<Change>,
  ): Promise<Change> {
    const { roomId } = await accesses.require(actor, room, "guest_link");
    return await changeRoom(context, actor, roomId, "guest_link", async (tx, room) => {
      requireWay(room, "code");
      return await work(tx, room);
    });
  }

  async function opened({ key, code }: NamedLink): Promise<Room> {
    const isPossible = GUEST_CODE.test(code) && (key === undefined || PUBLIC_ID.test(key));
    if (!isPossible) throw noSuchLink();
    const found = await (key === undefined ? store.rooms.byGuestCode(code) : store.rooms.byPublicId(key));
    if (!found || !isCode(found, code)) throw noSuchLink();
    return found;
  }

  /** @throws DomainError `forbidden` on `access` or `organizationId` when the actor may not join the room */
  async function admit(actor: Actor, room: Room, way: EntryKind): Promise<void> {
    if (actor.kind !== "user") throw new DomainError("forbidden", "Only users join by a link");
    requireWay(room, way);
    if (room.accessRole === "private") throw notAdmitted("The room lets nobody in");
    const { organizationId, kind } = room;
    const onlyTeam = room.accessRole === "team" || kind === "default" || kind === "event";
    if (!onlyTeam || organizationId === null) return;
    const mine = await store.organizations.of(Number(actor.id));
    if (!mine.some(({ organization }) => organization.id === organizationId)) {
      throw new DomainError("forbidden", "Only users of the room's organization may join it", {
        field: "organizationId",
      });
    }
  }

  async function enter(actor: Actor, found: Room, way: EntryKind, how: Entry): Promise<Change> {
    await admit(actor, found, way);
    if (await accesses.read(memberKey(actor), found.token)) return { room: found, event: null };
    const { code, comer = {}, most = Number.POSITIVE_INFINITY } = how;
    for (let { guestPasswordHash } = found; ; ) {
      if (way === "code") await door.checkPassword(found.id, guestPasswordHash, comer);
      const entered = await store.transaction(async (tx) => {
        const [room] = await tx.lockRooms([found.id]);
        if (!room) throw noSuchRoom();
        requireWay(room, way);
        if (code !== undefined && !isCode(room, code)) throw noSuchLink();
        // The password is another since it was checked.
        if (way === "code" && room.guestPasswordHash !== guestPasswordHash) return room;
        return { room, event: await putVisitor(tx, actor, room, most) };
      });
      if ("event" in entered) return entered;
      ({ guestPasswordHash } = entered);
    }
  }

  /** What makes or takes away the link of a room, and whether there may be one. */
  async function patchOf(found: Room, { on, password }: LinkState): Promise<LinkPatch> {
    if (!on) return { guestCode: null, guestPasswordHash: null };
    if (password === undefined) return {};
    const known = found.guestPasswordHash;
    if (password === null || password === "") return { guestPasswordHash: null };
    const isSame = known !== null && (await passwords.verify(known, password, "known"));
    return isSame ? {} : { guestPasswordHash: await passwords.hash(password, ANY_LENGTH) };
  }

  async function set(actor: Actor, token: string, state: LinkState): Promise<Change> {
    const { roomId } = await accesses.require(actor, token, "guest_link");
    const found = await store.rooms.byId(roomId);
    if (!found) throw noSuchRoom();
    const patch = await patchOf(found, state);
    return await changeRoom(context, actor, roomId, "guest_link", async (tx, room, me) => {
      const mayDecide = me !== null && can(me, room, "access", now()) === null;
      const mayHave = room.access.includes("code");
      if (!state.on) {
        // A moderator who takes the link away decides that there is none; members then make no other.
        const access =
          mayDecide && room.guestCode !== null ? room.access.filter((way) => way !== "code") : room.access;
        return await changeSettings(tx, actor, room, { ...patch, access });
      }
      if (!mayHave && !mayDecide) requireWay(room, "code");
      const access = mayHave ? room.access : [...room.access, "code"];
      return await changeSettings(tx, actor, room, {
        guestCode: room.guestCode ?? newCode(),
        ...patch,
        access,
      });
    });
  }

  return {
    async get(actor, room) {
      const { roomId: id } = await accesses.require(actor, room, "guest_link");
      const found = await store.rooms.locate({ id }, memberKey(actor));
      if (!found?.membership) throw noSuchRoom();
      requireWay(found.room, "code");
      const link = linkOf(found.room);
      if (!link) throw noSuchLink();
      return link;
    },
    set,
    create: (actor, room) =>
      change(actor, room, (tx, room) =>
        changeSettings(tx, actor, room, { guestCode: room.guestCode ?? newCode() }),
      ),
    remove: (actor, room) =>
      change(actor, room, (tx, room) =>
        changeSettings(tx, actor, room, { guestCode: null, guestPasswordHash: null }),
      ),
    async check(link) {
      await opened(link);
    },
    async preview(actor, link, limits = {}) {
      await door.come(limits);
      const room = await opened(link);
      await admit(actor, room, "code");
      return { room, member: (await accesses.read(memberKey(actor), room.token)) !== null };
    },
    async join(actor, link, { most, ...comer } = {}) {
      await door.come(comer);
      return await enter(actor, await opened(link), "code", { code: link.code, comer, most });
    },
    async joinById(actor, uuid, limits = {}) {
      const found = await store.rooms.locate({ uuid }, memberKey(actor));
      if (!found) throw noSuchRoom();
      return await enter(actor, found.room, "link", { most: limits.most });
    },
  };
}

/** @returns the `member.joined`; null where the actor is in the room already */
async function putVisitor(
  tx: StoreTransaction,
  actor: Actor,
  room: Room,
  most: number,
): Promise<LoggedEvent | null> {
  const people = await named(tx, [{ member: actor, role: "user" }]);
  const [event = null] = await putPeople(tx, actor, room, people, "keep");
  if (event && (await tx.countMembers(room.id)).members > most) {
    throw new DomainError("too_large", `members would be more than ${most}`, { field: "members" });
  }
  return event;
}

/**
 * The link that a text names: its URL, or its code alone. A text that is neither gives a code that is nobody's.
 */
export function linkNamed(text: string): NamedLink {
  if (!URL.canParse(text)) return { code: text };
  const { searchParams } = new URL(text);
  return { key: searchParams.get("key") ?? "", code: searchParams.get("code") ?? "" };
}

/** The room's guest link; null when it has none. */
export function linkOf({ publicId: key, guestCode: code }: Room): GuestLink | null {
  return code === null ? null : { key, code };
}

const PUBLIC_ID = /^[A-Za-z0-9]{16}$/;
const GUEST_CODE = /^[\w-]{20}$/;

function newCode(): string {
  return randomBytes(CODE_BYTES).toString("base64url");
}

/** Compares in constant time. */
function isCode({ guestCode }: Room, given: string): boolean {
  if (guestCode === null) return false;
  const [known, tried] = [Buffer.from(guestCode), Buffer.from(given)];
  return known.length === tried.length && timingSafeEqual(known, tried);
}

function requireWay({ type, access }: Room, way: EntryKind): void {
  if (type === "one_to_one" || !access.includes(way)) {
    throw notAdmitted(`The room can't be joined by a ${way}: its access does not have it`);
  }
}

function notAdmitted(message: string): DomainError {
  return new DomainError("forbidden", message, { field: "access" });
}

function noSuchLink(): DomainError {
  return new DomainError("not_found", "There is no such link, or it was taken away", { field: "code" });
}
