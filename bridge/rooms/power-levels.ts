/** Roles as power levels of Matrix. From Matrix, members may change little; Causeway decides the rest. */
import type { Posting, Role, Room, RoomType } from "../../src/domain/model.ts";
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
const OWNER = 100;
/** Above all owners, so that none of them takes the bot's rights away, or gives somebody such a right. */
const BOT = 150;

/** An owner's in rooms of before, where the bot had 100. */
const OWNER_OF_BEFORE = 99;

/** The role that a level stands for; null below a moderator's. */
export function roleAt(level: number): "owner" | "moderator" | null {
  if (level >= OWNER_OF_BEFORE) return "owner";
  return level >= MODERATOR ? "moderator" : null;
}

/** Since room version 12 the creator of a room stands above all levels and must not be given one (MSC4289). */
function creatorOutranks(roomVersion: string): boolean {
  return /^\d+$/.test(roomVersion) && Number(roomVersion) >= 12;
}

/**
 * The content of `m.room.power_levels`. Only the bot may do what is not listed, above all turn on encryption, which would
 * hide messages from the bridge. In a read-only room nobody writes, but everybody may still redact their own messages. Where only
 * moderators write, everybody may still react, too.
 */
export function powerLevels(input: {
  roomVersion: string;
  /** The bot's level in the room. Up to version 11 nobody gets a level above their own, so the bot of an older room keeps it. */
  botLevel?: number;
  type: RoomType;
  bot: string;
  members: readonly { matrixId: string; role: Role }[];
  readOnly: boolean;
  posting: Posting;
  /** In a one-to-one room one member blocks the other: neither may redact the other's messages. */
  blocked: boolean;
}): PowerLevels {
  const outranks = creatorOutranks(input.roomVersion);
  const bot = outranks ? BOT : (input.botLevel ?? BOT);
  // Up to version 11 the bot can remove only members with a lower level.
  const owner = Math.min(OWNER, bot - 1);
  const users: Record<string, number> = outranks ? {} : { [input.bot]: bot };
  for (const { matrixId, role } of input.members) {
    if (isModerator(role)) users[matrixId] = role === "owner" ? owner : MODERATOR;
  }
  // In a one-to-one room neither member may change what the room is, invite or remove.
  const moderator = input.type === "one_to_one" ? bot : MODERATOR;
  const onlyModerators = !input.readOnly && input.posting === "moderators";
  return {
    users,
    users_default: 0,
    events: {
      ...{ "m.room.name": moderator, "m.room.topic": moderator, "m.room.avatar": moderator },
      ...{ "m.room.pinned_events": pinLevel(input, bot), "m.room.power_levels": moderator },
      ...{ "m.room.redaction": 0, "m.room.encryption": bot },
      ...(onlyModerators && { "m.reaction": 0 }),
    },
    events_default: input.readOnly ? bot : onlyModerators ? MODERATOR : 0,
    state_default: bot,
    ...{ invite: moderator, kick: moderator, ban: moderator },
    redact: input.blocked ? bot : MODERATOR,
    notifications: { room: 0 },
  };
}

/** The levels of a space, which its members may only look at. */
export function spaceLevels(roomVersion: string, bot: string): PowerLevels {
  return {
    users: creatorOutranks(roomVersion) ? {} : { [bot]: BOT },
    users_default: 0,
    events: {},
    events_default: BOT,
    state_default: BOT,
    invite: BOT,
    kick: BOT,
    ban: BOT,
    redact: BOT,
    notifications: { room: BOT },
  };
}

/** The bot's level in a room with these power levels; undefined where it has none, and in rooms where it needs none. */
export function botLevelIn(levels: Record<string, unknown>, bot: string): number | undefined {
  const level = (levels.users as Record<string, unknown> | undefined)?.[bot];
  return typeof level === "number" && level <= BOT ? level : undefined;
}

/** Moderators pin; of two both, unless one blocks the other. */
function pinLevel({ type, blocked }: { type: RoomType; blocked: boolean }, bot: number): number {
  if (type !== "one_to_one") return MODERATOR;
  return blocked ? bot : 0;
}

/** Whether the rules as of the last mirrored event are the chatroom's. */
export function hasItsRules(room: { readOnly: boolean; posting: Posting; chatroom: Room }): boolean {
  return room.readOnly === room.chatroom.readOnly && room.posting === room.chatroom.posting;
}
