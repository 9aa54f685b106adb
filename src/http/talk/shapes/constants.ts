/** [B.2] The numbers that Talk has for what the domain has words for. */
import type { NotificationLevel, Role, RoomType } from "../../../domain/model.ts";

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

/** What `notify` takes; the default can't be chosen. */
export const NOTIFICATION_LEVELS: Record<number, NotificationLevel> = {
  1: "always",
  2: "mention",
  3: "never",
};

/** [B.2] The default is shown as what it means: everything in one-to-one rooms, mentions elsewhere, nothing to guests. */
export function notificationOf(level: NotificationLevel, role: Role, type: RoomType): number {
  if (role === "guest" || role === "guest_moderator") return NOTIFICATION.never;
  if (level !== "default") return NOTIFICATION[level];
  return type === "one_to_one" ? NOTIFICATION.always : NOTIFICATION.mention;
}

/** `sessionId` of who has not joined. */
export const NOT_JOINED = "0";

export function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
