/** How a caller can stand to a room and to its organization, and what the domain's tables say of it. */
import type { ErrorCode } from "../../src/domain/errors.ts";
import type { OrganizationRole, Role } from "../../src/domain/model.ts";
import { type Action, can, canManage } from "../../src/domain/permissions.ts";

interface Standing {
  /** In the rooms of these tests; null: not in them. */
  role: Role | null;
  /** In the organization that the rooms are of; null: not in it. */
  organization: OrganizationRole | null;
  /** How they prove who they are. */
  proof: "user" | "guest" | "organization" | "operator";
  administrator?: true;
}

export const STANDINGS = {
  stranger: { role: null, organization: null, proof: "user" },
  colleague: { role: null, organization: "member", proof: "user" },
  guest: { role: "guest", organization: null, proof: "guest" },
  "self-joined": { role: "self_joined", organization: "member", proof: "user" },
  member: { role: "user", organization: "member", proof: "user" },
  moderator: { role: "moderator", organization: "member", proof: "user" },
  "guest moderator": { role: "guest_moderator", organization: null, proof: "guest" },
  owner: { role: "owner", organization: "member", proof: "user" },
  "organization admin": { role: null, organization: "admin", proof: "user" },
  administrator: { role: null, organization: "member", proof: "user", administrator: true },
  "API token": { role: null, organization: null, proof: "organization" },
  ADMIN_TOKEN: { role: null, organization: null, proof: "operator" },
} as const satisfies Record<string, Standing>;

export type StandingName = keyof typeof STANDINGS;
export const STANDING_NAMES = Object.keys(STANDINGS) as StandingName[];

export function standing(name: StandingName): Standing {
  return STANDINGS[name];
}

/** The rooms that everything is tried in. */
export const ROOM_STATES = {
  open: {
    title: "an open public room",
    type: "public",
    readOnly: false,
    posting: "all",
    lobby: false,
    blocked: false,
  },
  locked: {
    title: "a public room that is locked",
    type: "public",
    readOnly: true,
    posting: "all",
    lobby: false,
    blocked: false,
  },
  announcing: {
    title: "a public room in which only moderators write",
    type: "public",
    readOnly: false,
    posting: "moderators",
    lobby: false,
    blocked: false,
  },
  lobby: {
    title: "a public room whose lobby is closed",
    type: "public",
    readOnly: false,
    posting: "all",
    lobby: true,
    blocked: false,
  },
  "one-to-one": {
    title: "a one-to-one room",
    type: "one_to_one",
    readOnly: false,
    posting: "all",
    lobby: false,
    blocked: false,
  },
  blocked: {
    title: "a one-to-one room of which one blocked the other",
    type: "one_to_one",
    readOnly: false,
    posting: "all",
    lobby: false,
    blocked: true,
  },
} as const;
export type RoomState = keyof typeof ROOM_STATES;

export function isOneToOne(state: RoomState): boolean {
  return ROOM_STATES[state].type === "one_to_one";
}

/** Of a one-to-one room both are owners, and nobody else is in it. */
export function roleIn(state: RoomState, name: StandingName): Role | null {
  const { role } = standing(name);
  return isOneToOne(state) && role !== "owner" ? null : role;
}

/** `null`: it goes through. */
export type Verdict = ErrorCode | null;

/**
 * What a face that serves rooms (all but Messenger and the admin API) has to say, by the domain's table.
 * @param actions what has to be allowed, judged one after the other; none: being in the room is enough
 */
export function roomVerdict(name: StandingName, state: RoomState, actions: readonly Action[]): Verdict {
  const { proof } = standing(name);
  if (proof === "organization" || proof === "operator") return "unauthorized";
  const role = roleIn(state, name);
  if (role === null) return "not_found";
  const room = { id: 1, lobbyUntil: null, ...ROOM_STATES[state] };
  for (const action of actions) {
    const refused = can({ role }, room, action, 0);
    if (refused !== null) return refused;
  }
  return null;
}

/** What an operation on an organization's chatrooms needs. */
export type Need =
  | "see a room"
  | "be in the organization"
  | "manage"
  | "be a user of it"
  | "be a user"
  | "own it";

/** What Messenger has to say, by the domain's table of who manages. */
export function messengerVerdict(name: StandingName, need: Need): Verdict {
  const { proof, organization, role, administrator = false } = standing(name);
  if (proof === "guest" || proof === "operator") return "unauthorized";
  const manages = proof === "organization" || canManage(organization) || administrator;
  const inside = proof === "organization" || organization !== null;
  switch (need) {
    case "be a user":
      return proof === "user" ? null : "forbidden";
    case "be a user of it":
      return proof === "user" && inside ? null : "forbidden";
    case "own it":
      return proof === "user" && role === "owner" ? null : "forbidden";
    case "be in the organization":
      return inside ? null : "forbidden";
    case "manage":
      return inside && manages ? null : "forbidden";
    case "see a room":
      if (!inside) return "forbidden";
      return manages || role !== null ? null : "not_found";
  }
}

/** What an operation of `/cloud` needs. */
export function cloudVerdict(name: StandingName, onOneself: boolean): Verdict {
  const { proof, administrator = false } = standing(name);
  if (proof !== "user") return "unauthorized";
  return administrator || onOneself ? null : "forbidden";
}

export function adminVerdict(name: StandingName): Verdict {
  return standing(name).proof === "operator" ? null : "unauthorized";
}
