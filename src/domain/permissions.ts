/**
 * Who may do what in a room: the one table. Every face (WebSocket, the HTTP APIs, Matrix) asks `can`.
 * An organization's admins, its `chat` role and its API token have power over rooms only through
 * Messenger and the admin API; `canManage` is their table.
 */
import type { ErrorCode } from "./errors.ts";
import type { Membership, OrganizationRole, Role, RoomRules } from "./model.ts";

export const ACTIONS = [
  "read",
  "send",
  "type",
  "react",
  "edit_own",
  "delete_own",
  "delete_any",
  "pin",
  "call",
  "leave",
  "rename",
  "describe",
  "avatar",
  "publish",
  "password",
  "lock",
  "lobby",
  "add_members",
  "remove_members",
  "set_roles",
  "delete_room",
] as const;
export type Action = (typeof ACTIONS)[number];

const EVERYBODY: readonly Action[] = [
  "read",
  "send",
  "type",
  "react",
  "edit_own",
  "delete_own",
  "call",
  "leave",
];
const GUEST_MODERATOR: readonly Action[] = [
  ...EVERYBODY,
  "delete_any",
  "pin",
  "rename",
  "describe",
  "avatar",
  "password",
  "add_members",
  "remove_members",
  "set_roles",
  "delete_room",
];

export const PERMISSIONS: Record<Role, ReadonlySet<Action>> = {
  owner: new Set(ACTIONS),
  moderator: new Set(ACTIONS),
  guest_moderator: new Set(GUEST_MODERATOR),
  user: new Set(EVERYBODY),
  self_joined: new Set(EVERYBODY),
  guest: new Set(EVERYBODY),
};

/** Shut off for everyone while a room is read-only. */
const WRITES: ReadonlySet<Action> = new Set(["send", "react", "edit_own", "call", "type"]);
/** Shut off for plain members while the lobby is closed. */
const BEHIND_LOBBY: ReadonlySet<Action> = new Set(["read", "send", "react", "type", "edit_own", "call"]);
/** One-to-one rooms belong to both: nobody can change what they are. */
const NOT_ONE_TO_ONE: ReadonlySet<Action> = new Set([
  "rename",
  "describe",
  "avatar",
  "publish",
  "password",
  "lock",
  "lobby",
  "add_members",
  "remove_members",
  "set_roles",
  "delete_room",
]);

export function isModerator(role: Role): boolean {
  return role === "owner" || role === "moderator" || role === "guest_moderator";
}

/**
 * Whether a member may do `action` in the room now.
 * @returns null when allowed, else the code to refuse with, in the order of Talk's checks: role, lock, lobby.
 *          A change that a one-to-one room does not support is `bad_request`.
 */
export function can(
  membership: Pick<Membership, "role">,
  room: RoomRules,
  action: Action,
  now: number,
): ErrorCode | null {
  if (room.type === "one_to_one" && NOT_ONE_TO_ONE.has(action)) return "bad_request";
  if (!PERMISSIONS[membership.role].has(action)) return "forbidden";
  if (room.readOnly && WRITES.has(action)) return "read_only";
  const lobbyClosed = room.lobby && (room.lobbyUntil === null || room.lobbyUntil > now);
  if (lobbyClosed && BEHIND_LOBBY.has(action) && !isModerator(membership.role)) return "lobby";
  return null;
}

/** Whether a role in an organization may create, change and delete the organization's chatrooms. */
export function canManage(role: OrganizationRole | null): boolean {
  return role === "chat" || role === "admin";
}
