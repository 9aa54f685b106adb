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

/** [GW-16.12] A public room by its token, or a room by its guest link. */
const place = {
  room: room.optional(),
  link: z.string().max(LIMITS.LINK_CHARACTERS).optional(),
};
const oneOfBoth = [
  ({ room, link }: { room?: string | undefined; link?: string | undefined }) =>
    (room === undefined) !== (link === undefined),
  { path: ["room"], message: "or link is required, and not both" },
] as const satisfies [unknown, { path: string[]; message: string }];

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
  "room.preview": z.strictObject({ op: z.literal("room.preview"), ref, ...place }).refine(...oneOfBoth),
  "room.join": z
    .strictObject({ op: z.literal("room.join"), ref, ...place, password: z.string().optional() })
    .refine(...oneOfBoth),
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

/** [GW-16.16] What is told of a room to somebody who may join it. */
export interface RoomPreview {
  /** Missing where a link was given, and the user is not in the room. */
  room?: string;
  /** Missing where the user comes by a token, and is not in the room. */
  name?: string;
  type: string;
  /** Joining this way takes a password. */
  hasPassword: boolean;
  /** The user is in it already. */
  member?: true;
}

/** What `ok` holds beside `op` and `ref`. */
export interface RoomChangeAnswers {
  "room.create": EntryAnswer;
  "room.direct": EntryAnswer;
  "room.preview": RoomPreview;
  "room.join": EntryAnswer;
  "room.set": EntryAnswer;
  /** [GW-16.15] The link's URL; null: there is none. */
  "room.link": { link: string | null; duplicate?: true };
}
