/**
 * Guest links: a user with the link of a room can join it as a plain member. A room may have a link if its access includes
 * "code"; the link consists of the room's public id and a secret code. With "link" in the access, the room's UUID is enough.
 * Any member may make, read and remove the link. Moderators decide through the access whether there may be one.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { type Actor, memberKey, type Room } from "../model.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Change, GuestLink, GuestLinks } from "../use-cases/room-settings.ts";
import { named } from "./invitations.ts";
import { putPeople } from "./members.ts";
import { changeRoom, changeSettings } from "./rooms.ts";

const CODE_BYTES = 15;

type EntryKind = "code" | "link";

export function createGuestLinks(context: Context): GuestLinks {
  const { store, accesses } = context;

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

  async function opened({ key, code }: GuestLink, visitor: Actor | null): Promise<Room> {
    const found = PUBLIC_ID.test(key)
      ? await store.rooms.locate({ publicId: key }, visitor ? memberKey(visitor) : NO_MEMBER)
      : null;
    if (!found || !isCode(found.room, code)) throw noSuchLink();
    return found.room;
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

  async function enter(
    actor: Actor,
    found: Room,
    way: EntryKind,
    { most = Number.POSITIVE_INFINITY, code }: { most?: number; code?: string },
  ): Promise<Change> {
    await admit(actor, found, way);
    return await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([found.id]);
      if (!room) throw noSuchRoom();
      requireWay(room, way);
      if (code !== undefined && !isCode(room, code)) throw noSuchLink();
      const people = await named(tx, [{ member: actor, role: "user" }]);
      const [event = null] = await putPeople(tx, actor, room, people, "keep");
      if (event && (await tx.countMembers(room.id)).members > most) {
        throw new DomainError("too_large", `members would be more than ${most}`, { field: "members" });
      }
      return { room, event };
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
    create: (actor, room) =>
      change(actor, room, async (tx, room) => {
        if (room.guestCode !== null) return { room, event: null };
        const guestCode = randomBytes(CODE_BYTES).toString("base64url");
        return await changeSettings(tx, actor, room, { guestCode });
      }),
    remove: (actor, room) =>
      change(actor, room, (tx, room) => changeSettings(tx, actor, room, { guestCode: null })),
    async check(link) {
      await opened(link, null);
    },
    async preview(actor, link) {
      const room = await opened(link, actor);
      await admit(actor, room, "code");
      return room;
    },
    join: async (actor, link, { most } = {}) =>
      await enter(actor, await opened(link, actor), "code", {
        ...{ code: link.code },
        ...(most !== undefined && { most }),
      }),
    async joinById(actor, uuid, limits = {}) {
      const found = await store.rooms.locate({ uuid }, memberKey(actor));
      if (!found) throw noSuchRoom();
      return await enter(actor, found.room, "link", limits);
    },
  };
}

/** The room's guest link; null when it has none. */
export function linkOf({ publicId: key, guestCode: code }: Room): GuestLink | null {
  return code === null ? null : { key, code };
}

const PUBLIC_ID = /^[A-Za-z0-9]{16}$/;
/** The key of no member. */
const NO_MEMBER = "u:0";

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
