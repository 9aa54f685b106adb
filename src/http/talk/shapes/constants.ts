/** [B.2] Talk's numbers for the domain's values. */
import { effectiveLevel, type NotificationLevel, type Role, type RoomType } from "../../../domain/model.ts";

export const ROOM_TYPE: Record<RoomType, number> = { one_to_one: 1, group: 2, public: 3 };

export const PARTICIPANT_TYPE: Record<Role, number> = {
  owner: 1,
  moderator: 2,
  user: 3,
  guest: 4,
  self_joined: 5,
  guest_moderator: 6,
};

const NOTIFICATION = { always: 1, mention: 2, never: 3 } as const;

/** The levels that `notify` accepts. The default can't be chosen. */
export const NOTIFICATION_LEVELS: Record<number, NotificationLevel> = {
  1: "always",
  2: "mention",
  3: "never",
};

/** [B.2] Shows the default level as its effect. */
export function notificationOf(level: NotificationLevel, role: Role, type: RoomType): number {
  return NOTIFICATION[effectiveLevel(level, role, type)];
}

/** `sessionId` of people who have not joined. */
export const NOT_JOINED = "0";

export function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
