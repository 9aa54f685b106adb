/**
 * Wire's access and access role: whether members may add others to the room, and whom. Only Wire's API sets and checks
 * them; the other APIs use only the room's type.
 */
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
