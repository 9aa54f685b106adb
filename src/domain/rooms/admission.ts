/**
 * Wire's access and access role of a room: whether its people may bring others in, and whom. Its clients set and
 * respect it; the other faces go by a room's type alone.
 */
import type { Conversation } from "../model.ts";

/** `access` is left out for a room that is being made: whoever makes it brings the first people in. */
type Admission = Pick<Conversation, "accessRole" | "organizationId"> & Partial<Pick<Conversation, "access">>;

/**
 * @param team ids of the users of the room's organization
 * @returns null when all of them may be brought in
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
