/** Roles that people gave in Matrix, by levels in `m.room.power_levels`. Everything else in that event is the chat's. */
import { DomainError } from "../../src/domain/errors.ts";
import { type Actor, memberKey, type Role } from "../../src/domain/model.ts";
import { isModerator } from "../../src/domain/permissions.ts";
import type { MembershipStore } from "../../src/domain/ports/store/memberships.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import { levelOf, type MatrixEvent } from "../mapping/matrix-events.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import { roleAt } from "../rooms/power-levels.ts";
import type { OpenRoom } from "../rooms/rooms.ts";

export interface InboundRoles {
  /**
   * Gives the roles whose levels the sender changed and that nobody changed since. Where one is refused the others count all the same.
   * @throws DomainError the first refusal; HomeserverError
   */
  apply(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void>;
}

export interface InboundRolesOptions {
  roomLifecycle: Pick<UseCases["roomLifecycle"], "setRole">;
  memberships: Pick<MembershipStore, "list">;
  lookup: MatrixLookup;
}

/** Of one event. More than a person changes by hand; the levels of the others are put back. */
const MAX_CHANGES = 100;

export function createInboundRoles({
  roomLifecycle,
  memberships,
  lookup,
}: InboundRolesOptions): InboundRoles {
  /** Who has another level by this event than before it, and has it still, with that level. */
  async function changesOf(room: OpenRoom, { content, unsigned }: MatrixEvent): Promise<[string, number][]> {
    const before = unsigned?.prev_content;
    // Without it nobody can tell what the sender changed.
    if (!before) return [];
    const now = await lookup.roomState(room, "m.room.power_levels");
    const named = new Set([before, content].flatMap(({ users }) => Object.keys(users ?? {})));
    const levels = [...named].map((id): [string, number] => [id, levelOf(content, id)]);
    const changed = levels.filter(
      ([id, level]) => level !== levelOf(before, id) && level === levelOf(now, id),
    );
    return changed.slice(0, MAX_CHANGES);
  }

  async function rolesNow(room: OpenRoom): Promise<Map<string, Role>> {
    return new Map((await memberships.list([room.id])).map(({ member, role }) => [member, role]));
  }

  return {
    async apply(room, event, actor) {
      const changes = await changesOf(room, event);
      if (changes.length === 0) return;
      const roles = await rolesNow(room);
      let refusal: DomainError | null = null;
      for (const [matrixId, level] of changes) {
        const target = await lookup.actor(room, matrixId);
        const now = target === null ? undefined : roles.get(memberKey(target));
        // Nobody in the chat: the level is put back.
        if (target === null || now === undefined) continue;
        try {
          await roomLifecycle.setRole(actor, room.token, target, wanted(level, now));
        } catch (error) {
          if (!(error instanceof DomainError) || error.retry) throw error;
          refusal ??= error;
        }
      }
      if (refusal) throw refusal;
    },
  };
}

/** Below a moderator's level Matrix knows one role, and the chat more: who has one of them keeps it. */
function wanted(level: number, now: Role): Role {
  return roleAt(level) ?? (isModerator(now) ? "user" : now);
}
