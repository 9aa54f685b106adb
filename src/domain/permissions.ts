/**
 * The table of permissions in a room: which role may do which action. Every face and the bridge asks `can`.
 * An organization's admins, its `chat` role and its API token manage rooms only through Messenger and the admin API:
 * see `canManage`. AUTHORIZATION.md explains the rules.
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
  "own_settings",
  "list_members",
  "rename",
  "describe",
  "avatar",
  "publish",
  "password",
  "lock",
  "posting",
  "lobby",
  "message_timer",
  "receipt_mode",
  "access",
  "guest_link",
  "add_members",
  "remove_members",
  "set_roles",
  "delete_room",
  "rename_one_to_one",
  "delete_one_to_one",
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
const MEMBER: readonly Action[] = [...EVERYBODY, "own_settings", "list_members", "guest_link"];
/** Inviting others, and opening or closing a room, takes an account, which guests do not have. */
const GUEST_MODERATOR: readonly Action[] = [
  ...EVERYBODY,
  "list_members",
  "delete_any",
  "pin",
  "rename",
  "describe",
  "avatar",
  "password",
  "remove_members",
  "set_roles",
  "delete_room",
];

export const PERMISSIONS: Record<Role, ReadonlySet<Action>> = {
  owner: new Set(ACTIONS),
  moderator: new Set(ACTIONS),
  guest_moderator: new Set(GUEST_MODERATOR),
  user: new Set(MEMBER),
  self_joined: new Set(MEMBER),
  guest: new Set(EVERYBODY),
};

/** Not allowed to anybody while a room is read-only. */
const WRITES: ReadonlySet<Action> = new Set(["send", "react", "edit_own", "call", "type"]);
/** Not allowed to members without a moderator's role where only moderators write. They react and call all the same. */
const POSTS: ReadonlySet<Action> = new Set(["send", "edit_own", "type"]);
/**
 * Not allowed to either member of a one-to-one room while one blocks the other: actions that reach the other member, or
 * change or remove something of theirs.
 */
const TOWARDS_THE_OTHER: ReadonlySet<Action> = new Set([
  ...WRITES,
  "delete_any",
  "pin",
  "rename_one_to_one",
  "receipt_mode",
]);
/** Not allowed to members without a moderator's role while the lobby is closed. */
const BEHIND_LOBBY: ReadonlySet<Action> = new Set([
  "read",
  "send",
  "react",
  "type",
  "edit_own",
  "call",
  "list_members",
]);
/**
 * Not allowed in one-to-one rooms, which belong to both members. Wire's clients may still rename them and Protocol's may
 * delete them, by actions of their own (`rename_one_to_one`, `delete_one_to_one`).
 */
const NOT_ONE_TO_ONE: ReadonlySet<Action> = new Set([
  "rename",
  "describe",
  "avatar",
  "publish",
  "lock",
  "posting",
  "lobby",
  "message_timer",
  "access",
  "guest_link",
  "add_members",
  "remove_members",
  "set_roles",
  "delete_room",
]);
/** Allowed in one-to-one rooms only. */
const ONLY_ONE_TO_ONE: ReadonlySet<Action> = new Set(["rename_one_to_one", "delete_one_to_one"]);
/** Allowed in public rooms only: a password is for people who are not members, and only public rooms let them in. */
const ONLY_PUBLIC: ReadonlySet<Action> = new Set(["password"]);

export function isModerator(role: Role): boolean {
  return role === "owner" || role === "moderator" || role === "guest_moderator";
}

/**
 * Whether a member may do `action` in the room now.
 * @returns null when allowed, else the code to refuse with, in the order of Talk's checks: role (and who writes, and blocking), lock,
 *          lobby. A change that a room of this type does not support is `bad_request`.
 */
export function can(
  membership: Pick<Membership, "role">,
  room: RoomRules,
  action: Action,
  now: number,
): ErrorCode | null {
  if ((room.type === "one_to_one" ? NOT_ONE_TO_ONE : ONLY_ONE_TO_ONE).has(action)) return "bad_request";
  if (!PERMISSIONS[membership.role].has(action)) return "forbidden";
  if (room.type !== "public" && ONLY_PUBLIC.has(action)) return "forbidden";
  if (isReserved(room, action) && !isModerator(membership.role)) return "forbidden";
  if (isBlocked(room, action)) return "forbidden";
  if (room.readOnly && WRITES.has(action)) return "read_only";
  if (BEHIND_LOBBY.has(action) && waitsInLobby(membership, room, now)) return "lobby";
  return null;
}

/** Whether `action` is for one-to-one rooms alone. */
export function isForPairs(action: Action): boolean {
  return ONLY_ONE_TO_ONE.has(action);
}

/** Whether a block between the members of a one-to-one room forbids `action`. */
export function isBlocked({ blocked }: Pick<RoomRules, "blocked">, action: Action): boolean {
  return blocked && TOWARDS_THE_OTHER.has(action);
}

/** Whether only moderators may do `action` because only they write in the room. */
export function isReserved({ posting }: Pick<RoomRules, "posting">, action: Action): boolean {
  return posting === "moderators" && POSTS.has(action);
}

/** Whether a member has to wait in the lobby, and may read nothing of the room until it opens. */
export function waitsInLobby(
  { role }: Pick<Membership, "role">,
  { lobby, lobbyUntil }: Pick<RoomRules, "lobby" | "lobbyUntil">,
  now: number,
): boolean {
  return lobby && (lobbyUntil === null || lobbyUntil > now) && !isModerator(role);
}

/** Whether a role in an organization may create, change and delete the organization's chatrooms. */
export function canManage(role: OrganizationRole | null): boolean {
  return role === "chat" || role === "admin";
}
