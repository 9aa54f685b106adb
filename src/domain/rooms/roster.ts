/** The people of a room: lists them, adds and removes them, and changes who moderates. */

import { createSessions, guestIdOf } from "../auth/sessions.ts";
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { hideLastPings } from "../context/last-seen.ts";
import { checkLimit } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, actorOf, type Membership, memberKey, type Role, type Room } from "../model.ts";
import { type Action, isModerator } from "../permissions.ts";
import type { MemberPlace } from "../ports/store/memberships.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { checkEmail, checkWellFormed, codePoints } from "../text-rules.ts";
import type { MemberPage, Roster } from "../use-cases/participants.ts";
import type { RoomLifecycle } from "../use-cases/room-lifecycle.ts";
import type { RoomSettings } from "../use-cases/room-settings.ts";
import type { Finding, RoomPerson } from "../use-cases/rooms.ts";
import { type Departure, putPeople, removePeople } from "./members.ts";
import { changeRoom } from "./rooms.ts";
import { JOINED_MS, type RoomViews } from "./views.ts";

const PROMOTIONS: Partial<Record<Role, Role>> = { user: "moderator", guest: "guest_moderator" };
const DEMOTIONS: Partial<Record<Role, Role>> = { moderator: "user", guest_moderator: "guest" };

const MAX_PAGE = 200;
const QUERY_CODE_POINTS = 200;

export interface RosterParts {
  views: RoomViews;
  departed: (gone: readonly Departure[]) => Promise<void>;
  roomLifecycle: Pick<RoomLifecycle, "addMembers">;
  finding: Pick<Finding, "group">;
  settings: Pick<RoomSettings, "setPublic">;
}

export function createRoster(
  context: Context,
  { views, departed, roomLifecycle, finding, settings }: RosterParts,
): Roster {
  const { store, hot, accesses, now } = context;
  const sessions = createSessions(store.secret);

  async function peopleFor(actor: Actor, token: string, action: Action): Promise<RoomPerson[]> {
    const { roomId: id } = await accesses.require(actor, token, action);
    return await hideLastPings(context, actor, await views.people({ id, token }));
  }

  async function change<T>(
    actor: Actor,
    token: string,
    action: Action,
    work: (tx: StoreTransaction, room: Room) => Promise<T>,
  ): Promise<T> {
    const { roomId } = await accesses.require(actor, token, action);
    return await changeRoom(context, actor, roomId, action, work);
  }

  async function takeOut(actor: Actor, token: string, member: Actor): Promise<void> {
    const gone = await change(actor, token, "remove_members", async (tx, room) => {
      const target = await memberOf(tx, room, member);
      if (target.role === "owner") throw new DomainError("forbidden", "Owners are not removed");
      const left = await removePeople(tx, actor, room, [target.member]);
      await tx.visits.keepOut(room.id, [target.member]);
      return left;
    });
    await departed(gone);
  }

  async function removeSelf(actor: Actor, token: string): Promise<void> {
    const gone = await change(actor, token, "leave", async (tx, room) => {
      await requireHeir(tx, room, actor);
      return await removePeople(tx, null, room, [memberKey(actor)]);
    });
    await departed(gone);
  }

  async function changeRole(
    actor: Actor,
    token: string,
    member: Actor,
    roles: Partial<Record<Role, Role>>,
  ): Promise<void> {
    const { roomId, rules } = await accesses.member(actor, token);
    if (rules.type === "one_to_one") await refuseInOneToOne(roomId, member);
    await change(actor, token, "set_roles", async (tx, room) => {
      const target = await memberOf(tx, room, member);
      if (roles === DEMOTIONS && target.member === memberKey(actor)) {
        throw new DomainError("forbidden", "Nobody demotes themselves");
      }
      const role = roles[target.role];
      if (role === undefined) throw badField("member", `is ${target.role}, whose role can't be changed so`);
      await putPeople(tx, actor, room, [{ ...target, role }], "change");
    });
  }

  /** Roles in one-to-one rooms can't change. For people who are not in the room the refusal is `not_found`. */
  async function refuseInOneToOne(roomId: number, member: Actor): Promise<never> {
    const members = await store.memberships.list([roomId]);
    if (members.some((one) => one.member === memberKey(member))) {
      throw badField("member", "owns the one-to-one room, as everybody in it");
    }
    throw notInRoom();
  }

  /** Whether the session id belongs to a user who has joined the room. */
  async function isUsersSession(id: number, token: string, sessionId: string): Promise<boolean> {
    const active = await hot.presence.active(id, now(), JOINED_MS);
    return active.some(
      ({ member, guest, sessions: own }) =>
        !guest &&
        own.some(({ session }) => sessions.of({ member, guestSeed: null }, token, session) === sessionId),
    );
  }

  return {
    list: (actor, token) => peopleFor(actor, token, "list_members"),
    async page(actor, token, asked) {
      const { roomId } = await accesses.require(actor, token, "list_members");
      const { members, next } = await memberPage(context, roomId, asked);
      return { members: await hideLastPings(context, actor, members), next };
    },
    async peers(actor, token) {
      const people = await peopleFor(actor, token, "call");
      return people.filter(({ callFlags }) => callFlags > 0);
    },

    async addGroup(actor, token, groupId, role = "user") {
      await accesses.require(actor, token, "add_members");
      const { members } = await finding.group(actor, groupId);
      const users = members.map((member) => ({ member, role }));
      return await roomLifecycle.addMembers(actor, token, users);
    },
    async addEmail(actor, token, email) {
      await accesses.require(actor, token, "add_members");
      checkEmail(email);
      return await settings.setPublic(actor, token, true);
    },

    async remove(actor, token, member) {
      if (memberKey(member) === memberKey(actor)) return await removeSelf(actor, token);
      await takeOut(actor, token, member);
    },
    async removeGuest(actor, token, sessionId) {
      const { roomId } = await accesses.require(actor, token, "remove_members");
      const guest: Actor = { kind: "guest", id: guestIdOf(sessionId), name: "" };
      if (memberKey(guest) === memberKey(actor)) {
        throw new DomainError("forbidden", "Leave the room instead of removing yourself");
      }
      if (await isUsersSession(roomId, token, sessionId)) {
        throw badField("sessionId", "is not a guest's");
      }
      await takeOut(actor, token, guest);
    },
    removeSelf,
    promote: (actor, token, member) => changeRole(actor, token, member, PROMOTIONS),
    demote: (actor, token, member) => changeRole(actor, token, member, DEMOTIONS),
  };
}

async function memberPage(
  { store, hot, now, bestEffort }: Context,
  roomId: number,
  { after, limit, query = "" }: Parameters<Roster["page"]>[2],
): Promise<MemberPage> {
  checkLimit(limit, MAX_PAGE);
  if (codePoints(query) > QUERY_CODE_POINTS) throw badField("query", "must be at most 200 characters long");
  checkWellFormed("query", query);
  const place = after === undefined ? null : placeOf(after);
  const found = await store.memberships.page(roomId, { after: place, limit: limit + 1, query });
  const people = found.slice(0, limit);
  const keys = people.map(({ membership }) => membership.member);
  let seen: { lastPing: number; active: boolean }[] = [];
  await bestEffort("Looking who is in a room", async () => {
    if (keys.length > 0) seen = await hot.presence.seen(roomId, keys, now(), JOINED_MS);
  });
  const last = people.at(-1)?.membership;
  return {
    members: people.map(({ membership: { member, name, role }, user }, i) => ({
      ...{ actor: actorOf(member, user?.displayName ?? name), user, role },
      ...{ lastPing: seen[i]?.lastPing ?? 0, present: seen[i]?.active ?? false },
    })),
    next: last && found.length > limit ? cursorOf(last) : null,
  };
}

function cursorOf({ joinedSeq, member }: MemberPlace): string {
  return Buffer.from(`${joinedSeq} ${member}`).toString("base64url");
}

/** @throws DomainError `bad_request` for what is no cursor */
function placeOf(cursor: string): MemberPlace {
  const [, seq, member] =
    /^(\d{1,16}) ([^\0]{1,300})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  const joinedSeq = Number(seq);
  if (member === undefined || !Number.isSafeInteger(joinedSeq)) {
    throw badField("after", "must be the next of a page of members");
  }
  return { joinedSeq, member };
}

function notInRoom(): DomainError {
  return new DomainError("not_found", "member is not in the room", { field: "member" });
}

async function memberOf(tx: StoreTransaction, room: Room, actor: Actor): Promise<Membership> {
  const [membership] = await tx.members(room.id, [memberKey(actor)]);
  if (membership) return membership;
  throw notInRoom();
}

/** Another member must moderate. Guests do not count, because they come and go. */
async function requireHeir(tx: StoreTransaction, room: Room, actor: Actor): Promise<void> {
  if (room.type === "one_to_one") return;
  const members = (await tx.members(room.id)).filter(({ member }) => !member.startsWith("g:"));
  const me = members.find(({ member }) => member === memberKey(actor));
  if (!me) throw noSuchRoom();
  const others = members.filter((one) => one !== me);
  if (!isModerator(me.role) || others.length === 0 || others.some(({ role }) => isModerator(role))) return;
  throw badField("member", "is the last one who moderates; make somebody else a moderator first");
}
