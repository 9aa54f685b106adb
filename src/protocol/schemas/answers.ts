/** Schemas of what `ok` holds beside `op` and `ref`, by the op that it answers; see server.ts. */
import { z } from "zod";
import type { OkFields } from "../frames.ts";
import {
  actor,
  call,
  connection,
  entry,
  event,
  flags,
  int,
  participants,
  room,
  self,
  seq,
  threadRead,
  time,
  user,
} from "./shapes.ts";

const nothing = z.strictObject({});
const duplicate = z.literal(true);
const made = z.strictObject({
  room,
  seq,
  at: time,
  thread: seq.exactOptional(),
  duplicate: duplicate.exactOptional(),
});
const change = z.union([z.strictObject({ room, seq, at: time }), z.strictObject({ room, duplicate })]);
const receipts = z.array(z.strictObject({ actor, seq, at: time }));
const calling = call.omit({ op: true });
const callServer = z.strictObject({
  urls: z.array(z.string()),
  username: z.string().exactOptional(),
  credential: z.string().exactOptional(),
});
const roomAnswer = z.strictObject({ room: entry, duplicate: duplicate.exactOptional() });
const done = z.strictObject({ duplicate: duplicate.exactOptional() });
const count = z.int().min(0);

const text = z.string();
const login = z.strictObject({
  id: text,
  device: text.exactOptional(),
  lastSeen: time,
  address: text.exactOptional(),
  current: z.boolean(),
});
const identity = z.strictObject({ id: text, issuer: text, name: text.exactOptional(), linkedAt: time });
const contact = z.strictObject({ user, name: text.exactOptional(), room: room.exactOptional() });
const account = { homeserver: text, matrixId: text };
const matrix = z.union([
  z.strictObject({ ...account, username: text, password: text }),
  z.strictObject({
    ...{ ...account, device: text, accessToken: text },
    refreshToken: text.exactOptional(),
    expiresInMs: int.exactOptional(),
  }),
]);

export const ANSWER_SCHEMAS = {
  send: made,
  history: z.strictObject({ events: z.array(event), more: z.boolean() }),
  read: z.strictObject({ read: seq, unread: count, mention: count, thread: threadRead.exactOptional() }),
  edit: change,
  delete: z.union([change, z.strictObject({ room })]),
  react: change,
  unreact: change,
  pin: change,
  unpin: change,
  delivered: nothing,
  receipts: z.strictObject({
    read: receipts.exactOptional(),
    delivered: receipts.exactOptional(),
    counts: z.strictObject({ members: count, delivered: count, read: count }),
  }),
  search: z.strictObject({
    hits: z.array(z.strictObject({ event, highlights: z.array(z.tuple([int, int])) })),
    cursor: z.string().exactOptional(),
    behind: time.exactOptional(),
  }),
  members: z.strictObject({
    members: z.array(
      z.strictObject({
        user: actor.extend({
          uuid: z.string().exactOptional(),
          publicId: z.string().exactOptional(),
          handle: z.string().exactOptional(),
        }),
        role: z.string(),
        lastPing: time.exactOptional(),
        present: z.literal(true).exactOptional(),
      }),
    ),
    next: z.string().exactOptional(),
  }),
  "member.add": change,
  "member.remove": change,
  "member.role": change,
  "room.leave": change,
  "room.delete": z.strictObject({ room, duplicate: duplicate.exactOptional() }),
  rooms: z.strictObject({ rooms: z.array(entry), more: z.literal(true).exactOptional() }),
  settings: z.strictObject({ room: entry }),
  "room.create": roomAnswer,
  "room.direct": roomAnswer,
  "room.preview": z.strictObject({
    room: room.exactOptional(),
    name: text.exactOptional(),
    type: text,
    hasPassword: z.boolean(),
    member: z.literal(true).exactOptional(),
  }),
  "room.join": roomAnswer,
  "room.set": roomAnswer,
  "room.link": z.strictObject({ link: z.string().nullable(), duplicate: duplicate.exactOptional() }),
  open: z.strictObject({
    present: z.array(actor),
    typing: z.array(actor),
    reads: z.array(z.strictObject({ actor, seq })),
    call: z.strictObject({ flags, participants }).exactOptional(),
  }),
  close: nothing,
  typing: nothing,
  ping: z.strictObject({ at: time }),
  "call.join": calling,
  "call.flags": calling,
  "call.leave": calling,
  "call.signal": nothing,
  "call.servers": z.strictObject({ servers: z.array(callServer), until: time.exactOptional() }),
  profile: z.strictObject({ user: self, duplicate: duplicate.exactOptional() }),
  users: z.strictObject({ users: z.array(user) }),
  block: done,
  unblock: done,
  blocked: z.strictObject({ users: z.array(user), matrix: z.array(text).exactOptional() }),
  contacts: z.strictObject({ contacts: z.array(contact), next: text.exactOptional() }),
  "contact.set": z.strictObject({ contact, duplicate: duplicate.exactOptional() }),
  "contact.remove": done,
  connections: z.strictObject({ connections: z.array(connection), next: text.exactOptional() }),
  "connection.ask": z.strictObject({ connection, duplicate: duplicate.exactOptional() }),
  "connection.set": z.strictObject({ connection, duplicate: duplicate.exactOptional() }),
  organizations: z.strictObject({
    organizations: z.array(z.strictObject({ id: text, uuid: text, name: text })),
  }),
  password: done,
  sessions: z.strictObject({ sessions: z.array(login) }),
  "session.end": done,
  "account.delete": z.strictObject({ erased: z.boolean() }),
  identities: z.strictObject({ identities: z.array(identity) }),
  "identity.link": z.strictObject({ identity, duplicate: duplicate.exactOptional() }),
  "identity.unlink": done,
  token: z.strictObject({ user: z.string() }),
  matrix,
  upload: z.strictObject({
    attachment: z.string(),
    url: z.string(),
    method: z.literal("PUT"),
    headers: z.record(z.string(), z.string()),
  }),
  "file.rename": z.strictObject({
    attachment: z.strictObject({ id: text, filename: text, type: text, size: int, url: text }),
    duplicate: duplicate.exactOptional(),
  }),
} as const satisfies { [Op in keyof OkFields]: z.ZodType<OkFields[Op]> };
