/** What can be done in a room, and how each face lets it be done. */
import type { ErrorCode } from "../../../src/domain/errors.ts";
import type { Action } from "../../../src/domain/permissions.ts";
import type { Room } from "../rooms.ts";
import type { Caller, Site } from "../site.ts";
import type { RoomState, StandingName, Verdict } from "../standings.ts";

export const OPERATIONS = {
  "see the room": { actions: [] },
  "read messages": { actions: ["read"] },
  "search the room": { actions: ["read"] },
  "see who types and looks": { actions: ["read"] },
  "move one's read marker": { actions: ["read"] },
  "say what was delivered": { actions: ["read"] },
  "see who has read a message": { actions: ["read"] },
  "send a message": { actions: ["send"] },
  "send a message on, from here": { actions: ["read"] },
  "send a message on, to here": { actions: ["send"] },
  "announce a file for it": { actions: ["send"] },
  type: { actions: ["type"] },
  "look up whom to mention": { actions: ["send"] },
  "react to a message": { actions: ["react"] },
  "edit one's message": { actions: ["edit_own"] },
  "delete one's message": { actions: ["delete_own"], once: true },
  "delete another's message": { actions: ["delete_any"], once: true },
  "hide a message for oneself": { actions: ["read"] },
  "pin a message": { actions: ["pin"] },
  "join the call": { actions: ["call"] },
  "say something to a session in the call": { actions: ["call"] },
  "see who is in the call": { actions: ["call"] },
  "keep settings of one's own": { actions: ["own_settings"] },
  "list the members": { actions: ["list_members"] },
  rename: { actions: ["rename"] },
  describe: { actions: ["describe"] },
  "set the picture": { actions: ["avatar"] },
  "make private": { actions: ["publish"], once: true },
  "set the password": { actions: ["password"] },
  "lock or unlock": { actions: ["lock"], once: true },
  "say who writes": { actions: ["posting"], once: true },
  "open or close the lobby": { actions: ["lobby"], once: true },
  "set the message timer": { actions: ["message_timer"] },
  "set the receipt mode": { actions: ["receipt_mode"] },
  "set Wire's access": { actions: ["access"] },
  "make a guest link": { actions: ["guest_link"] },
  "add a member": { actions: ["add_members"], once: true },
  "add a group of users": { actions: ["add_members"], once: true },
  "invite an e-mail address": { actions: ["add_members"], once: true },
  "remove a member": { actions: ["remove_members"], once: true },
  "remove a guest": { actions: ["remove_members"], once: true },
  "make somebody a moderator": { actions: ["set_roles"], once: true },
  "leave for good": { actions: ["leave"], once: true },
  "delete the room": { actions: ["delete_room"], once: true },
  "delete a one-to-one room for both": { actions: ["delete_one_to_one"], once: true },
} as const satisfies Record<string, { actions: readonly Action[]; once?: true }>;

export type OperationName = keyof typeof OPERATIONS;
export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];

export function operation(name: OperationName): {
  /** What has to be allowed, by the domain's table; none: being in the room is enough. */
  actions: readonly Action[];
  /** It changes the room for whoever comes next. */
  once?: true;
} {
  return OPERATIONS[name];
}

/** How a face lets an operation be done, and where it differs from the domain's table. */
export interface Way {
  /** For the table of people: `PUT /room/{token}`. */
  request: string;
  /** Does it. @returns `✓`, or how the face refused, in the words of its {@link FaceWays.says} */
  attempt(caller: Caller, room: Room, site: Site): Promise<string>;
  /** Guests are strangers to it, and are asked to sign in. */
  usersOnly?: true;
  /** What has to be allowed before the operation's own actions. */
  first?: readonly Action[];
  /** What has to be allowed in one-to-one rooms instead, or what the face says to everybody there. */
  inOneToOne?: readonly Action[] | Exclude<ErrorCode, "conflict">;
  /** Whom the face lets do it although the domain's table does not say so; with the reason. */
  everybody?: { in: readonly RoomState[]; because: string };
  /** How the face says a code of this operation, when not as always. */
  says?: Partial<Record<ErrorCode, string>>;
}

export interface FaceWays {
  name: string;
  /** How the face says the codes that a room's rules refuse with. */
  says: Record<"bad_request" | "unauthorized" | "forbidden" | "not_found" | "read_only" | "lobby", string>;
  /** Guests can come in by this face. */
  guests: boolean;
  ways: Partial<Record<OperationName, Way>>;
}

export const WELL = "✓";

export function said(face: FaceWays, way: Way, verdict: Verdict): string {
  if (verdict === null) return WELL;
  return way.says?.[verdict] ?? face.says[verdict as keyof FaceWays["says"]];
}

export type Cells = Partial<Record<StandingName, string>>;
