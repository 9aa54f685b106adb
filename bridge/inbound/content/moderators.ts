/** Who may act on others' messages. */
import { type Actor, memberKey } from "../../../src/domain/model.ts";
import { PERMISSIONS } from "../../../src/domain/permissions.ts";
import type { MembershipStore } from "../../../src/domain/ports/store/memberships.ts";
import type { RoomRef } from "../../rooms/members.ts";

/** Whether somebody may take back what others wrote in the chatroom. Homeservers ask their power levels, which may be older. */
export type IsModerator = (room: Pick<RoomRef, "id">, actor: Actor) => Promise<boolean>;

export function createIsModerator(memberships: Pick<MembershipStore, "roles">): IsModerator {
  return async ({ id }, actor) => {
    const [member] = (await memberships.roles(id, [memberKey(actor)]))?.members ?? [];
    return member !== undefined && PERMISSIONS[member.role].has("delete_any");
  };
}
