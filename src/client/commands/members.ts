/** The members of rooms, and leaving and deleting rooms. */
import type { Command } from "./command.ts";

export interface MemberCommands {
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
