/** Making, joining and changing rooms: PROTOCOL.md, section 16. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref, room } from "./fields.ts";
import { user } from "./members.ts";
import type { RoomEntry } from "./server.ts";

const type = z.enum(["group", "public"]);
const description = z.string().nullable().optional();
/** [GW-16.13] The id of an uploaded image; null: none. */
const avatar = z.string().nullable().optional();
const password = z.string().nullable().optional();
/** Times, and how long something takes, in ms. */
const ms = z.int().min(0);

export const ROOM_CHANGE_OPS = {
  "room.create": z.strictObject({
    op: z.literal("room.create"),
    ref,
    id: z.string(),
    type,
    name: z.string(),
    description,
    avatar,
    members: z.array(user).max(LIMITS.PEOPLE_AT_ONCE).default([]),
    organization: z.union([z.int().min(1), user.transform(Number)]).optional(),
    history: z.enum(["joined", "shared"]).optional(),
  }),
  "room.direct": z.strictObject({ op: z.literal("room.direct"), ref, user }),
  "room.join": z
    .strictObject({
      op: z.literal("room.join"),
      ref,
      room: room.optional(),
      link: z.string().max(LIMITS.LINK_CHARACTERS).optional(),
      password: z.string().optional(),
    })
    .refine(({ room, link }) => (room === undefined) !== (link === undefined), {
      path: ["room"],
      message: "or link is required, and not both",
    }),
  "room.set": z.strictObject({
    op: z.literal("room.set"),
    ref,
    room,
    name: z.string().optional(),
    description,
    avatar,
    readOnly: z.boolean().optional(),
    lobby: z.boolean().optional(),
    lobbyUntil: ms.nullable().optional(),
    messageTimer: ms.nullable().optional(),
    password,
    type: type.optional(),
    posting: z.enum(["all", "moderators"]).optional(),
  }),
  "room.link": z.strictObject({ op: z.literal("room.link"), ref, room, on: z.boolean(), password }),
};

/** [GW-16.10] The room as the list of the one who asked shows it now. */
interface EntryAnswer {
  room: RoomEntry;
  duplicate?: true;
}

/** What `ok` holds beside `op` and `ref`. */
export interface RoomChangeAnswers {
  "room.create": EntryAnswer;
  "room.direct": EntryAnswer;
  "room.join": EntryAnswer;
  "room.set": EntryAnswer;
  /** [GW-16.15] The link's URL; null: there is none. */
  "room.link": { link: string | null; duplicate?: true };
}
