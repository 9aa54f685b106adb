/**
 * A cache of permissions, so that a send is checked without a query. A cached permission only allows a send under its
 * `accessVersion`, which the store compares at the commit. Before a refusal the permission is always read again.
 */
import { LRUCache } from "lru-cache";
import { DomainError, type ErrorCode } from "../errors.ts";
import { type Actor, type MemberKey, type Membership, memberKey, type RoomRules } from "../model.ts";
import { type Action, can, isBlocked, isForPairs, isReserved } from "../permissions.ts";
import type { RoomAccess } from "../ports/store/rooms.ts";
import type { Store } from "../ports/store/store.ts";

export interface Access {
  readonly roomId: number;
  readonly membership: Pick<Membership, "role" | "historyFrom" | "hiddenNo">;
  readonly rules: RoomRules;
  readonly accessVersion: number;
  /** See `RoomAccess.peerLeft`. */
  readonly peerLeft: boolean;
  /** When it was read from the store, ms. */
  readonly readAt: number;
}

export interface Accesses {
  /** The cached access, however old; undefined when there is none. */
  cached(member: MemberKey, room: string): Access | undefined;
  /**
   * Reads the access from the store; null when the room does not exist or the member is not in it. Calls during a read
   * share it and continue in their order, so that a sender's messages keep their order.
   */
  read(member: MemberKey, room: string): Promise<Access | null>;
  forget(member: MemberKey, room: string): void;
  /** Reads the access from the store. @throws DomainError `not_found` */
  member(actor: Actor, room: string): Promise<Access>;
  /**
   * Access for an action whose write does not compare the version. Uses the cache if it is younger than `maxAgeMs`.
   * @throws DomainError `not_found`, or the code with which `can` refuses
   */
  require(actor: Actor, room: string, action: Action, maxAgeMs?: number): Promise<Access>;
  /** {@link require} for many rooms in one query at most: for each, in order, its access or the refusal. */
  requireMany(
    actor: Actor,
    rooms: readonly string[],
    action: Action,
    maxAgeMs?: number,
  ): Promise<(Access | DomainError)[]>;
}

const REMEMBERED = 50_000;
/** No token of a room is longer. */
const TOKEN_CHARACTERS = 32;

export function createAccesses(store: Store, now: () => number): Accesses {
  const remembered = new LRUCache<string, Access>({ max: REMEMBERED });
  // After a restore the same ids and versions may belong to other rooms.
  store.history.onChange(() => remembered.clear());
  const reading = new Map<string, Promise<Access | null>>();

  async function readNow(key: string, member: MemberKey, token: string): Promise<Access | null> {
    try {
      const found = await store.rooms.access(token, member);
      if (!found) {
        remembered.delete(key);
        return null;
      }
      return remember(key, found);
    } finally {
      reading.delete(key);
    }
  }

  function remember(key: string, { room, membership, accessVersion, peerLeft }: RoomAccess): Access {
    const { id, type, readOnly, posting, lobby, lobbyUntil, blocked } = room;
    const { role, historyFrom, hiddenNo } = membership;
    const access: Access = {
      roomId: id,
      membership: { role, historyFrom, hiddenNo },
      rules: { id, type, readOnly, posting, lobby, lobbyUntil, blocked },
      accessVersion,
      peerLeft,
      readAt: now(),
    };
    remembered.set(key, access);
    return access;
  }

  async function read(member: MemberKey, room: string): Promise<Access | null> {
    if (!isToken(room)) return null;
    const key = keyOf(member, room);
    const underWay = reading.get(key);
    if (underWay !== undefined) return await underWay;
    const promise = readNow(key, member, room);
    reading.set(key, promise);
    return await promise;
  }

  async function member(actor: Actor, room: string): Promise<Access> {
    const access = await read(memberKey(actor), room);
    if (!access) throw noSuchRoom();
    return access;
  }

  /** The access that is remembered, when it is young and allows the action. */
  function young(member: MemberKey, room: string, action: Action, maxAgeMs: number): Access | null {
    const known = remembered.get(keyOf(member, room));
    const at = now();
    if (!known || at - known.readAt >= maxAgeMs) return null;
    return can(known.membership, known.rules, action, at) === null ? known : null;
  }

  function judged(access: Access, action: Action): Access | DomainError {
    const verdict = can(access.membership, access.rules, action, now());
    return verdict === null ? access : refusal(verdict, action, access.rules);
  }

  return {
    cached: (member, room) => remembered.get(keyOf(member, room)),
    read,
    forget: (member, room) => void remembered.delete(keyOf(member, room)),
    member,
    async require(actor, room, action, maxAgeMs = 0) {
      const known = young(memberKey(actor), room, action, maxAgeMs);
      if (known) return known;
      const access = judged(await member(actor, room), action);
      if (access instanceof DomainError) throw access;
      return access;
    },
    async requireMany(actor, rooms, action, maxAgeMs = 0) {
      const member = memberKey(actor);
      const known = new Map(rooms.map((room) => [room, young(member, room, action, maxAgeMs)]));
      const unknown = [...known.keys()].filter((room) => known.get(room) === null && isToken(room));
      for (const found of await store.rooms.accesses(unknown, member)) {
        const { token } = found.room;
        known.set(token, remember(keyOf(member, token), found));
      }
      return rooms.map((room) => {
        const access = known.get(room);
        return access ? judged(access, action) : noSuchRoom();
      });
    },
  };
}

function isToken(room: string): boolean {
  return room.length <= TOKEN_CHARACTERS && !room.includes("\0");
}

function keyOf(member: MemberKey, room: string): string {
  return `${member} ${room}`;
}

export function noSuchRoom(): DomainError {
  return new DomainError("not_found", "There is no such room, or you are not in it", { field: "room" });
}

/** The error for a refusal of `can`. @param room needed when `action` is one that a block, or the room's posting, forbids */
export function refusal(
  verdict: ErrorCode,
  action: Action,
  room: Pick<RoomRules, "blocked" | "posting"> = { blocked: false, posting: "all" },
): DomainError {
  const what = action.replaceAll("_", " ");
  switch (verdict) {
    case "bad_request":
      return new DomainError(verdict, `${otherType(action)} (${what})`, { field: "room" });
    case "forbidden":
      if (isBlocked(room, action)) {
        return new DomainError(verdict, `One of you blocked the other, which shuts this off (${what})`);
      }
      if (isReserved(room, action)) {
        return new DomainError(verdict, `Only moderators write in this room (${what})`);
      }
      return new DomainError(verdict, `Your role in this room does not allow this (${what})`);
    case "read_only":
      return new DomainError(verdict, "The room is read-only; a moderator can unlock it");
    case "lobby":
      return new DomainError(verdict, "The room's lobby is closed; wait until a moderator opens it");
    default:
      return new DomainError(verdict);
  }
}

function otherType(action: Action): string {
  return isForPairs(action)
    ? "Only a one-to-one room supports this"
    : "A one-to-one room does not support this";
}
