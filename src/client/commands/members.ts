/** The members of rooms, and leaving and deleting rooms. */
import type { Command, CommandsOf } from "./command.ts";

export const MEMBER_COMMANDS = [
  "members",
  "member.add",
  "member.remove",
  "member.role",
  "room.leave",
  "room.delete",
] as const;

export interface MemberCommands extends CommandsOf<typeof MEMBER_COMMANDS> {
  /** A page of a room's members. The answer's `next`, said as `after`, gets the next page. */
  members: Command<"members">;
  /** Adds users to a room: all of them, or nobody. */
  memberAdd: Command<"member.add">;
  /** Takes somebody out of a room. */
  memberRemove: Command<"member.remove">;
  /** Gives a member another role. */
  memberRole: Command<"member.role">;
  /** Leaves a room for good. */
  roomLeave: Command<"room.leave">;
  /** Deletes a room with all that was said in it, for everybody. */
  roomDelete: Command<"room.delete">;
}
