/**
 * Who may do what where, remembered: a send is judged without a query. What is remembered is only ever used to say yes
 * to a send under its `accessVersion`, which the store compares at the commit; a refusal is read anew before it is told.
 */
import { LRUCache } from "lru-cache";
import { DomainError, type ErrorCode } from "../errors.ts";
import { type Actor, type MemberKey, type Membership, memberKey, type RoomRules } from "../model.ts";
import { type Action, can, isBlocked } from "../permissions.ts";
import type { Store } from "../ports/store/store.ts";

export interface Access {
  readonly conversationId: number;
  readonly membership: Pick<Membership, "role" | "historyFrom">;
  readonly rules: RoomRules;
  readonly accessVersion: number;
  /** See `RoomAccess.peerLeft`. */
  readonly peerLeft: boolean;
  /** When it was read, ms. */
  readonly readAt: number;
}

export interface Accesses {
  /** What is remembered, however old; undefined when nothing is. */
  cached(member: MemberKey, room: string): Access | undefined;
  /**
   * What the store says now; null when the room does not exist or the member is not in it. Those who ask while a read
   * is under way share it and go on in the order in which they asked, so that a sender's messages keep their order.
   */
  read(member: MemberKey, room: string): Promise<Access | null>;
  forget(member: MemberKey, room: string): void;
  /** What the store says now. @throws DomainError `not_found` */
  member(actor: Actor, room: string): Promise<Access>;
  /**
   * Access for what is not bound to a version, at most `maxAgeMs` old.
   * @throws DomainError `not_found`, or whatever `can` refuses with
   */
  require(actor: Actor, room: string, action: Action, maxAgeMs?: number): Promise<Access>;
}

const REMEMBERED = 50_000;
/** Longer tokens are nobody's. */
const TOKEN_CHARACTERS = 32;

export function createAccesses(store: Store, now: () => number): Accesses {
  const remembered = new LRUCache<string, Access>({ max: REMEMBERED });
  // Another history may give the same ids and versions to others.
  store.history.onChange(() => remembered.clear());
  const reading = new Map<string, Promise<Access | null>>();

  async function readNow(key: string, member: MemberKey, room: string): Promise<Access | null> {
    try {
      const found = await store.rooms.access(room, member);
      if (!found) {
        remembered.delete(key);
        return null;
      }
      const { conversation, membership, accessVersion, peerLeft } = found;
      const { id, type, readOnly, lobby, lobbyUntil, blocked } = conversation;
      const { role, historyFrom } = membership;
      const access: Access = {
        conversationId: id,
        membership: { role, historyFrom },
        rules: { id, type, readOnly, lobby, lobbyUntil, blocked },
        accessVersion,
        peerLeft,
        readAt: now(),
      };
      remembered.set(key, access);
      return access;
    } finally {
      reading.delete(key);
    }
  }

  async function read(member: MemberKey, room: string): Promise<Access | null> {
    if (room.length > TOKEN_CHARACTERS || room.includes("\0")) return null;
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

  return {
    cached: (member, room) => remembered.get(keyOf(member, room)),
    read,
    forget: (member, room) => void remembered.delete(keyOf(member, room)),
    member,
    async require(actor, room, action, maxAgeMs = 0) {
      const known = remembered.get(keyOf(memberKey(actor), room));
      const at = now();
      if (known && at - known.readAt < maxAgeMs && can(known.membership, known.rules, action, at) === null) {
        return known;
      }
      const access = await member(actor, room);
      const verdict = can(access.membership, access.rules, action, at);
      if (verdict !== null) throw refusal(verdict, action, access.rules);
      return access;
    },
  };
}

function keyOf(member: MemberKey, room: string): string {
  return `${member} ${room}`;
}

export function noSuchRoom(): DomainError {
  return new DomainError("not_found", "There is no such room, or you are not in it", { field: "room" });
}

/** What to tell when `can` refused. @param room needed where `action` is one that blocking shuts off */
export function refusal(
  verdict: ErrorCode,
  action: Action,
  room: Pick<RoomRules, "blocked"> = { blocked: false },
): DomainError {
  const what = action.replaceAll("_", " ");
  switch (verdict) {
    case "bad_request":
      return new DomainError(verdict, `A one-to-one room does not support this (${what})`, { field: "room" });
    case "forbidden":
      if (isBlocked(room, action)) {
        return new DomainError(verdict, `One of you blocked the other, which shuts this off (${what})`);
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
