/** Roles of the chat as power levels of Matrix. What may be changed from Matrix is little: the rest is the chat's. */
import type { ConversationType, Role } from "../../src/domain/model.ts";
import { isModerator } from "../../src/domain/permissions.ts";

export interface PowerLevels {
  users: Record<string, number>;
  users_default: number;
  events: Record<string, number>;
  events_default: number;
  state_default: number;
  invite: number;
  kick: number;
  ban: number;
  redact: number;
  notifications: { room: number };
}

const MODERATOR = 50;

/** Since room version 12 a room's creator stands above all levels, and must not be given one. */
function creatorOutranks(roomVersion: string): boolean {
  return /^\d+$/.test(roomVersion) && Number(roomVersion) >= 12;
}

/**
 * Whatever is not named here only the bot may do: encryption above all, which would make the bridge blind.
 * A read-only room takes nobody's messages, but everybody may still take back their own.
 */
export function powerLevels(input: {
  roomVersion: string;
  type: ConversationType;
  bot: string;
  members: readonly { matrixId: string; role: Role }[];
  readOnly: boolean;
  /** One of two blocks the other: neither takes back what the other said. */
  blocked: boolean;
}): PowerLevels {
  const outranks = creatorOutranks(input.roomVersion);
  // Up to version 11 the bot can only remove those below it.
  const [bot, owner] = outranks ? [150, 100] : [100, 99];
  const users: Record<string, number> = outranks ? {} : { [input.bot]: bot };
  for (const { matrixId, role } of input.members) {
    if (isModerator(role)) users[matrixId] = role === "owner" ? owner : MODERATOR;
  }
  // A one-to-one room belongs to both: neither can change what it is.
  const moderator = input.type === "one_to_one" ? bot : MODERATOR;
  return {
    users,
    users_default: 0,
    events: { "m.room.name": moderator, "m.room.redaction": 0, "m.room.encryption": bot },
    events_default: input.readOnly ? bot : 0,
    state_default: bot,
    invite: moderator,
    kick: moderator,
    ban: moderator,
    redact: input.blocked ? bot : MODERATOR,
    notifications: { room: 0 },
  };
}
