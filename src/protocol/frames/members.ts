/** The members of a room, and being in rooms: PROTOCOL.md, section 16. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room } from "./fields.ts";
import type { ChangeAnswer } from "./message-changes.ts";
import type { WireActor } from "./server.ts";

/** [GW-16.1] A user's id in decimal. */
export const user = z.string().regex(/^[1-9]\d{0,15}$/, "must be a user's id, in decimal");
/** [GW-16.1] The id of an actor: a user's in decimal, a guest's, or a Matrix user id. */
const member = z.string().min(1).max(LIMITS.MEMBER_ID_CHARACTERS);

const isGiven = (one: unknown) => one !== undefined;

export const MEMBER_OPS = {
  members: z.strictObject({
    op: z.literal("members"),
    ref,
    room,
    after: z.string().optional(),
    limit: z.int().min(1).max(LIMITS.MEMBERS_MOST).default(LIMITS.MEMBERS_DEFAULT),
    query: z.string().optional(),
  }),
  "member.add": z
    .strictObject({
      op: z.literal("member.add"),
      ref,
      room,
      users: z.array(user).min(1).max(LIMITS.PEOPLE_AT_ONCE).optional(),
      group: z.string().optional(),
      email: z.string().optional(),
      role: z.enum(["owner", "moderator", "user"]).optional(),
    })
    .refine(({ users, group, email }) => [users, group, email].filter(isGiven).length === 1, {
      path: ["users"],
      message: "or group or email is required, and not two of them",
    })
    .refine(({ email, role }) => email === undefined || role === undefined, {
      path: ["role"],
      message: "is for users and groups, and not for an e-mail address",
    }),
  "member.remove": z.strictObject({ op: z.literal("member.remove"), ref, room, user: member }),
  "member.role": z.strictObject({
    op: z.literal("member.role"),
    ref,
    room,
    user: member,
    role: z.enum(["owner", "moderator", "user", "guest_moderator", "guest"]),
  }),
  "room.leave": z.strictObject({ op: z.literal("room.leave"), ref, room }),
  "room.delete": z.strictObject({
    op: z.literal("room.delete"),
    ref,
    room,
    forBoth: z.boolean().optional(),
  }),
};

/** [GW-16.4] A member as `members` lists them. */
export interface ListedMember {
  /** Guests and people of Matrix are actors, without the fields of a user. */
  user: WireActor & { uuid?: string; publicId?: string; handle?: string };
  role: string;
  /** Missing where they never looked at the room. */
  lastPing?: number;
  /** They look at the room now. */
  present?: true;
}

/** What `ok` holds beside `op` and `ref`. */
export interface MemberAnswers {
  members: { members: ListedMember[]; next?: string };
  "member.add": ChangeAnswer;
  "member.remove": ChangeAnswer;
  "member.role": ChangeAnswer;
  "room.leave": ChangeAnswer;
  "room.delete": { room: string; duplicate?: true };
}
