/**
 * Who comes into rooms. Wire's access and access role say whether members may add others, and whom: only Wire's API sets
 * and checks them, the other APIs use only the room's type. The door stops strangers: all ways into rooms share it.
 */
import { addressBlock } from "../auth/address-block.ts";
import type { Passwords } from "../auth/passwords.ts";
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { Room } from "../model.ts";

/** `access` is unset for a new room: its maker may always add the first members. */
type Admission = Pick<Room, "accessRole" | "organizationId"> & Partial<Pick<Room, "access">>;

/**
 * @param team ids of the users of the room's organization
 * @returns null when all users may be added
 */
export function checkAdmission(
  { access, accessRole, organizationId }: Admission,
  userIds: readonly number[],
  team: ReadonlySet<number>,
): "denied" | "not_in_team" | null {
  if (userIds.length === 0) return null;
  if (access && !access.includes("invite")) return "denied";
  if (accessRole === "private") return "denied";
  const onlyTeam = accessRole === "team" && organizationId !== null;
  return onlyTeam && !userIds.every((id) => team.has(id)) ? "not_in_team" : null;
}

// ── The door: the password of a room or of its link, and limits by address ──────────────────────────────────

/** A stranger who comes. */
export interface Comer {
  password?: string | undefined;
  /** Their address, for limits; without one there are none. */
  from?: string | undefined;
}

export interface RoomDoor {
  /** Call it for everybody who is not a member yet. @throws DomainError `rate_limited` */
  come(comer: Comer): Promise<void>;
  /**
   * Checks the password of a room or of its link. @param passwordHash null: there is none
   * @throws DomainError `forbidden` on `password`; `rate_limited`; `busy`
   */
  checkPassword(roomId: number, passwordHash: string | null, comer: Comer): Promise<void>;
}

const PER_PASSWORD = { burst: 10, perSecond: 1 / 6 };
/** Limit on joins of non-members, because each makes two events of the log. */
const PER_STRANGER = { burst: 60, perSecond: 1 };

export function createRoomDoor(context: Context, passwords: Passwords): RoomDoor {
  const { hot, now } = context;

  async function limit(key: string, bucket: { burst: number; perSecond: number }): Promise<void> {
    if (!context.settings.rateLimits) return;
    const retryAfterMs = await hot.limits.take(key, 1, bucket, now());
    if (retryAfterMs > 0) throw new DomainError("rate_limited", undefined, { retryAfterMs });
  }

  return {
    async come({ from }) {
      if (from !== undefined) await limit(`room-join:${addressBlock(from)}`, PER_STRANGER);
    },
    async checkPassword(roomId, passwordHash, { password = "", from }) {
      if (passwordHash === null) return;
      const wrong = new DomainError("forbidden", "The password of the room is wrong", { field: "password" });
      if (password === "") throw wrong;
      const key = from === undefined ? null : `room-password:${roomId}:${addressBlock(from)}`;
      // The limit applies to correct passwords too, or a guesser would recognize one by not being limited.
      if (key !== null) await limit(key, PER_PASSWORD);
      const isRight =
        passwords.knows(passwordHash, password) ||
        (await passwords.verify(passwordHash, password, "stranger"));
      if (!isRight) throw wrong;
      if (key !== null) await context.bestEffort("Limiting a room's passwords", () => hot.limits.reset(key));
    },
  };
}
