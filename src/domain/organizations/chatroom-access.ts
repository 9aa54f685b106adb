/**
 * Checks who may see and manage an organization's chatrooms. Managing needs the organization's API token, or a user of the
 * organization who is its admin, has its `chat` role, or is an administrator.
 */
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import {
  type Actor,
  type MemberKey,
  organizationActor,
  type Principal,
  type Room,
  type User,
  userActor,
  userKey,
} from "../model.ts";
import { canManage } from "../permissions.ts";

/** What a caller may do in an organization. */
export interface CallerAccess {
  actor: Actor;
  /** The calling user; null for API tokens. */
  user: User | null;
  manages: boolean;
}

/** A chatroom, and what the caller may do in its organization. */
export interface FoundChatroom {
  room: Room;
  organizationId: number;
  caller: CallerAccess;
}

export interface ChatroomAccess {
  /** @throws DomainError `forbidden` for callers outside of the organization, whether it exists or not */
  inside(principal: Principal, organizationId: number): Promise<CallerAccess>;
  /** {@link inside}, for callers who manage chatrooms. @throws DomainError `forbidden` */
  managing(principal: Principal, organizationId: number): Promise<CallerAccess>;
  /** A chatroom by its integer id or Matrix room id. @throws DomainError `not_found`; `forbidden` as {@link inside} */
  find(principal: Principal, room: number | string): Promise<FoundChatroom>;
  findToManage(principal: Principal, room: number | string): Promise<FoundChatroom>;
  /** @throws DomainError `not_found` when the caller neither manages chatrooms nor is a member of the room */
  requireVisible(caller: CallerAccess, room: Room): Promise<void>;
}

export function createChatroomAccess({ store }: Context): ChatroomAccess {
  async function inside(principal: Principal, organizationId: number): Promise<CallerAccess> {
    if (principal.kind === "organization") {
      if (principal.organization.id !== organizationId) throw outside();
      return { actor: organizationActor(principal.organization), user: null, manages: true };
    }
    const { user } = principal;
    const role = Number.isSafeInteger(organizationId)
      ? await store.organizations.role(organizationId, user.id)
      : null;
    if (role === null) throw outside();
    return { actor: userActor(user), user, manages: canManage(role) || user.administrator };
  }

  async function managing(principal: Principal, organizationId: number): Promise<CallerAccess> {
    const caller = await inside(principal, organizationId);
    if (caller.manages) return caller;
    throw new DomainError(
      "forbidden",
      "Managing chatrooms needs an admin of the organization, its chat role or its API token",
    );
  }

  async function existing(room: number | string): Promise<{ room: Room; organizationId: number }> {
    const found = typeof room === "number" ? await byNumber(room) : await byMatrixId(room);
    if (!found || found.kind === null || found.organizationId === null) throw noSuchChatroom();
    return { room: found, organizationId: found.organizationId };
  }

  async function byNumber(id: number): Promise<Room | null> {
    return Number.isSafeInteger(id) ? await store.rooms.byId(id) : null;
  }

  /** Since Matrix room version 12 a room's id has no server name, but clients may append one. */
  async function byMatrixId(id: string): Promise<Room | null> {
    if (/^\d{1,15}$/.test(id)) return await byNumber(Number(id));
    if (!/^![^\0]{1,254}$/u.test(id)) return null;
    const exact = await store.rooms.byMatrixRoomId(id);
    const colon = id.indexOf(":");
    return exact ?? (colon < 0 ? null : await store.rooms.byMatrixRoomId(id.slice(0, colon)));
  }

  return {
    inside,
    managing,
    async find(principal, id) {
      const { room, organizationId } = await existing(id);
      return { room, organizationId, caller: await inside(principal, organizationId) };
    },
    async findToManage(principal, id) {
      const { room, organizationId } = await existing(id);
      return { room, organizationId, caller: await managing(principal, organizationId) };
    },
    async requireVisible({ manages, user }, room) {
      if (manages || user === null) return;
      const member: MemberKey = userKey(user.id);
      if (!(await store.rooms.access(room.token, member))) throw noSuchChatroom();
    },
  };
}

function outside(): DomainError {
  return new DomainError("forbidden", "The organization is not yours");
}

export function noSuchChatroom(): DomainError {
  return new DomainError("not_found", "There is no such chatroom, or you are not in it");
}
