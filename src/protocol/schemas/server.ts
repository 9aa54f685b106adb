/**
 * Schemas of the frames that the server says, for the published document and for tests. The compiler holds that what they
 * describe is what the types of frames/server.ts say; the server itself never parses its own frames.
 */
import { z } from "zod";
import { ERROR_CODES, type WireErrorCode } from "../error-codes.ts";
import type { OkFrame, ServerFrame } from "../frames.ts";
import {
  actor,
  call,
  connection,
  entry,
  event,
  int,
  ref,
  room,
  roomPart,
  self,
  seq,
  signal,
  threadRead,
  time,
} from "./shapes.ts";

type Declared = Exclude<ServerFrame, OkFrame>;

export const SERVER_SCHEMAS = {
  ready: z.strictObject({
    op: z.literal("ready"),
    ref,
    session: z.string(),
    user: self,
    epoch: z.string(),
    heartbeatMs: int,
    rooms: z.array(entry),
    more: z.literal(true).exactOptional(),
    blocked: z.array(z.string()),
    resumed: z.array(z.strictObject({ room, recovered: z.boolean(), from: seq, head: seq })).exactOptional(),
    hidden: z.strictObject({ no: int, rooms: z.record(z.string(), z.array(seq)) }).exactOptional(),
  }),
  event,
  error: z.strictObject({
    op: z.literal("error"),
    ref: ref.nullable(),
    code: z.enum(Object.keys(ERROR_CODES) as [WireErrorCode, ...WireErrorCode[]]),
    message: z.string(),
    field: z.string().exactOptional(),
    retry: z.boolean(),
    retryAfterMs: int.exactOptional(),
  }),
  unread: z.strictObject({
    op: z.literal("unread"),
    room,
    read: seq,
    unread: int,
    mention: int,
    head: seq.exactOptional(),
    unreadMark: z.literal(true).exactOptional(),
    thread: threadRead.exactOptional(),
  }),
  typing: z.strictObject({ op: z.literal("typing"), room, actor, on: z.boolean() }),
  presence: z.strictObject({
    op: z.literal("presence"),
    room,
    actor,
    lastPing: time,
    gone: z.literal(true).exactOptional(),
  }),
  receipt: z.strictObject({ op: z.literal("receipt"), room, actor, read: seq, delivered: seq }),
  user: z.strictObject({
    op: z.literal("user"),
    user: self.extend({ privacy: self.shape.privacy.exactOptional() }),
  }),
  block: z.strictObject({ op: z.literal("block"), user: z.string(), on: z.boolean() }),
  contact: z.strictObject({
    op: z.literal("contact"),
    user: z.string(),
    on: z.boolean(),
    name: z.string().exactOptional(),
  }),
  connection: connection.extend({ op: z.literal("connection") }),
  hidden: z.strictObject({ op: z.literal("hidden"), room, seqs: z.array(seq), no: int }),
  room: z.union([
    z.strictObject({ op: z.literal("room"), rev: int, room: entry }),
    z.strictObject({ op: z.literal("room"), part: z.literal(true), room: roomPart }),
  ]),
  call,
  signal,
  bye: z.strictObject({ op: z.literal("bye"), code: int, reconnectMs: int }),
} as const satisfies { [Op in Declared["op"]]: z.ZodType<Extract<Declared, { op: Op }>> };
