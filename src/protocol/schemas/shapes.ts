/** What several frames of the server hold. Unknown fields are errors here, so that tests see what is not declared. */
import { z } from "zod";

const text = z.string();
export const int = z.int();
const natural = z.int().min(0);
const yes = z.literal(true);

export const ref = z.union([z.int(), z.string()]);
export const room = text.describe("A room's token");
export const seq = natural.describe("The number of an event in its room's log");
export const time = natural.describe("Milliseconds since 1970 UTC");
export const flags = z.int().min(0).max(7).describe("Bits: 1 in the call, 2 with audio, 4 with video");

export const actor = z.strictObject({
  kind: z.enum(["user", "guest", "matrix", "system"]),
  id: text,
  name: text,
});

export const user = z.strictObject({
  id: text,
  uuid: text,
  publicId: text,
  handle: text,
  name: text,
  avatar: text.exactOptional(),
  lastSeen: time.exactOptional(),
  status: text.exactOptional(),
  matrix: text.exactOptional(),
});
const audience = z.enum(["everybody", "contacts", "nobody"]);
/** [GW-17.18] */
export const connection = z.strictObject({
  user: z.union([user, z.strictObject({ id: z.string(), uuid: z.string() })]),
  status: z.enum(["accepted", "sent", "pending", "ignored", "cancelled", "blocked"]),
  message: z.string().exactOptional(),
  room: room.exactOptional(),
  at: time,
});

export const self = user.extend({
  email: text.exactOptional(),
  privacy: z.strictObject({ receipts: audience, lastSeen: audience }),
});
export const threadRead = z.strictObject({ seq, read: seq, unread: natural });

export const event = z.strictObject({
  op: z.literal("event"),
  room,
  seq,
  type: text,
  id: text.describe("The client's own id of a message").exactOptional(),
  actor,
  at: time,
  data: z.record(z.string(), z.unknown()),
});

const settings = z.strictObject({
  muted: z.boolean(),
  mutedUntil: time.exactOptional(),
  pinned: z.boolean(),
  archived: z.boolean(),
  favorite: z.boolean(),
  notify: z.enum(["all", "mentions", "none"]),
  unreadMark: yes.exactOptional(),
});

export const entry = z.strictObject({
  room,
  rev: int,
  ids: z.strictObject({ id: text, uuid: text, publicId: text, matrix: text.exactOptional() }),
  name: text,
  type: z.enum(["one_to_one", "group", "public"]),
  role: text,
  description: text.exactOptional(),
  avatar: text.exactOptional(),
  members: natural,
  peer: user.exactOptional(),
  head: seq,
  at: time,
  read: seq,
  delivered: seq.exactOptional(),
  unread: natural,
  mention: natural,
  last: event.nullable(),
  lastPing: time,
  call: flags,
  waiting: yes.exactOptional(),
  readOnly: z.boolean(),
  posting: z.enum(["all", "moderators"]),
  lobby: z.boolean(),
  lobbyUntil: time.exactOptional(),
  messageTimer: natural.exactOptional(),
  hasPassword: z.boolean(),
  pinned: z.array(seq),
  guestLink: text.exactOptional(),
  organization: text.exactOptional(),
  request: yes.exactOptional(),
  settings,
});

/** [GW-15.6] What the entries of all members have alike. */
export const roomPart = entry.pick({
  ...{ room: true, ids: true, name: true, type: true, description: true, avatar: true, members: true },
  ...{ readOnly: true, posting: true, lobby: true, lobbyUntil: true, messageTimer: true, hasPassword: true },
  ...{ guestLink: true, organization: true },
});

export const participants = z.array(z.strictObject({ session: text, actor, flags }));
export const call = z.strictObject({ op: z.literal("call"), room, flags, participants });
export const signal = z.strictObject({
  op: z.literal("signal"),
  room,
  from: text.describe("The id of a session in the call"),
  actor,
  data: z.record(z.string(), z.unknown()),
});

/** The shapes that have a name in the published document. */
export const NAMED_SHAPES = { actor, user, self, event, roomEntry: entry };
