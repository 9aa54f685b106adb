/**
 * Every frame of WebSocket protocol v1. What clients say has a schema, because strangers say it; what the server says
 * has a type. Rules are written down in PROTOCOL.md under the ids in brackets.
 */
import { z } from "zod";
import type { WireErrorCode } from "./error-codes.ts";
import { LIMITS } from "./limits.ts";

// ── What clients say ─────────────────────────────────────────────────────────────────────────────────

/** [GW-3.1] */
export type Ref = number | string;

const ref = z.union([z.int(), z.string().max(LIMITS.REF_CHARACTERS)]);
const room = z.string();
const seq = z.int().min(0);
const flags = z.int().min(1).max(7);
/** [GW-7.6] How far a client came: a seq, or with the time of the event at it, which is proof. */
// What the SDK sends is tried first: each try that fails costs, and ten thousand sessions name twenty rooms each at once.
const place = z.union([z.strictObject({ seq, at: z.int().min(0) }), seq]);
export type Place = z.infer<typeof place>;

/**
 * One strict schema for each op: unknown fields are refused by name [GW-3.4]. Lengths of texts, ids and mentions are
 * the domain's rules and are judged there.
 */
export const CLIENT_SCHEMAS = {
  hello: z.strictObject({
    op: z.literal("hello"),
    ref,
    token: z.string().min(1).max(LIMITS.TOKEN_CHARACTERS),
    device: z.string().min(1).max(LIMITS.DEVICE_CHARACTERS).optional(),
    resume: z.strictObject({ epoch: z.string(), rooms: z.record(z.string(), place) }).optional(),
  }),
  send: z.strictObject({
    op: z.literal("send"),
    ref,
    room,
    id: z.string(),
    text: z.string(),
    replyTo: seq.optional(),
    mentions: z.array(z.string()).optional(),
  }),
  history: z
    .strictObject({
      op: z.literal("history"),
      ref,
      room,
      before: seq.optional(),
      after: seq.optional(),
      limit: z.int().min(1).max(LIMITS.HISTORY_MOST).default(LIMITS.HISTORY_DEFAULT),
    })
    .refine(({ before, after }) => before === undefined || after === undefined, {
      path: ["before"],
      message: "and after exclude each other",
    }),
  read: z.strictObject({ op: z.literal("read"), ref, room, seq }),
  open: z.strictObject({ op: z.literal("open"), ref, room }),
  close: z.strictObject({ op: z.literal("close"), ref, room }),
  typing: z.strictObject({ op: z.literal("typing"), ref, room, on: z.boolean() }),
  ping: z.strictObject({
    op: z.literal("ping"),
    ref,
    rooms: z.array(room).max(LIMITS.PING_ROOMS).optional(),
  }),
  "call.join": z.strictObject({ op: z.literal("call.join"), ref, room, flags }),
  "call.flags": z.strictObject({ op: z.literal("call.flags"), ref, room, flags }),
  "call.leave": z.strictObject({ op: z.literal("call.leave"), ref, room }),
} as const satisfies Record<string, z.ZodType>;

export type ClientOp = keyof typeof CLIENT_SCHEMAS;
export type ClientFrames = { [Op in ClientOp]: z.infer<(typeof CLIENT_SCHEMAS)[Op]> };
export type ClientFrame = ClientFrames[ClientOp];
/** What a client may write: `limit` of `history` has a default. */
export type ClientFrameInput = z.input<(typeof CLIENT_SCHEMAS)[ClientOp]>;

/** A frame that breaks a rule. `ref` is null where the frame has none that can be used [GW-3.2]. */
export interface RefusedFrame {
  ref: Ref | null;
  field: string | undefined;
  message: string;
}
export type ParsedFrame = { frame: ClientFrame } | { refused: RefusedFrame };

/** Judges a decoded frame. */
export function parseClientFrame(value: unknown): ParsedFrame {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { refused: { ref: null, field: undefined, message: "a frame must be one object" } };
  }
  const { op, ref: given } = value as { op?: unknown; ref?: unknown };
  const usable = refOf(given);
  if (typeof op !== "string" || !Object.hasOwn(CLIENT_SCHEMAS, op)) {
    const ops = Object.keys(CLIENT_SCHEMAS).join(", ");
    return { refused: { ref: usable, field: "op", message: `op must be one of ${ops}` } };
  }
  if (op === "send" && isPlainSend(value as Record<string, unknown>)) return { frame: value as ClientFrame };
  const result = CLIENT_SCHEMAS[op as ClientOp].safeParse(value);
  if (result.success) return { frame: result.data };
  return { refused: { ref: usable, ...firstProblem(result.error) } };
}

/** A send with the fields that it must have and no others: the commonest frame by far, told without its schema. */
function isPlainSend(value: Record<string, unknown>): boolean {
  let fields = 0;
  for (const _ in value) fields++;
  const { ref, room, id, text } = value;
  const areTexts = typeof room === "string" && typeof id === "string" && typeof text === "string";
  return fields === 5 && areTexts && refOf(ref) !== null;
}

/** The `ref` of a frame that is not well-formed otherwise, for the error that answers it. */
export function refOf(value: unknown): Ref | null {
  if (typeof value === "string") return value.length <= LIMITS.REF_CHARACTERS ? value : null;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}

function firstProblem(error: z.ZodError): { field: string | undefined; message: string } {
  const [issue] = error.issues;
  if (!issue) return { field: undefined, message: "the frame breaks a rule" };
  if (issue.code === "unrecognized_keys") {
    const field = [...issue.path, issue.keys[0]].join(".");
    return { field, message: `${field} is not a field of this op` };
  }
  const field = issue.path.join(".");
  if (field === "ref")
    return { field, message: `ref must be an integer or a string of at most ${LIMITS.REF_CHARACTERS}` };
  return { field, message: `${field}: ${issue.message}` };
}

// ── What the server says ─────────────────────────────────────────────────────────────────────────────

export interface WireActor {
  kind: "user" | "guest" | "matrix" | "system";
  id: string;
  name: string;
}

/** [GW-4.1] An event of a room's log; also the entries of `history` and `last` of a room in `ready`. */
export interface EventFrame {
  op: "event";
  room: string;
  seq: number;
  type: string;
  /** The client's own id of a message. */
  id?: string;
  actor: WireActor;
  at: number;
  data: Record<string, unknown>;
}

/** [GW-2.3] */
export interface ReadyFrame {
  op: "ready";
  ref: Ref;
  session: string;
  user: { id: string; uuid: string; handle: string; name: string };
  epoch: string;
  heartbeatMs: number;
  rooms: ReadyRoom[];
  resumed?: ResumedRoom[];
}
export interface ReadyRoom {
  room: string;
  name: string;
  type: "one_to_one" | "group" | "public";
  role: string;
  head: number;
  /** [GW-7.6] The time of the event at `head`, ms; 0 where the log is empty. */
  at: number;
  read: number;
  unread: number;
  mention: number;
  last: EventFrame | null;
  lastPing: number;
  /** The OR of the flags of those in the call; 0: no call. */
  call: number;
  /** [GW-12.3] The user waits in the lobby: `unread`, `mention`, `last` and `call` say nothing. */
  waiting?: true;
}
/** [GW-7.1] */
export interface ResumedRoom {
  room: string;
  recovered: boolean;
  from: number;
  head: number;
}

export interface ErrorFrame {
  op: "error";
  ref: Ref | null;
  code: WireErrorCode;
  message: string;
  field?: string;
  retry: boolean;
  retryAfterMs?: number;
}
/** What `ok` holds beside `op` and `ref`, by the op that it answers. */
export interface OkFields {
  send: { room: string; seq: number; at: number; duplicate?: true };
  history: { events: EventFrame[]; more: boolean };
  read: { read: number; unread: number; mention: number };
  open: RoomNow;
  close: Record<never, never>;
  typing: Record<never, never>;
  ping: { at: number };
  "call.join": Omit<CallFrame, "op">;
  "call.flags": Omit<CallFrame, "op">;
  "call.leave": Omit<CallFrame, "op">;
}
export type OkFrame<Op extends keyof OkFields = keyof OkFields> = { op: "ok"; ref: Ref } & OkFields[Op];

/** [GW-8.1] What is now in a room that was opened. */
export interface RoomNow {
  present: WireActor[];
  typing: WireActor[];
  reads: { actor: WireActor; seq: number }[];
  /** Missing while nobody is in the call. */
  call?: Pick<CallFrame, "flags" | "participants">;
}

export interface UnreadFrame {
  op: "unread";
  room: string;
  read: number;
  unread: number;
  mention: number;
  /** [GW-6.6] Counted up to this seq; missing where the marker itself was moved. */
  head?: number;
}
export interface TypingFrame {
  op: "typing";
  room: string;
  actor: WireActor;
  on: boolean;
}
export interface PresenceFrame {
  op: "presence";
  room: string;
  actor: WireActor;
  lastPing: number;
  /** [GW-8.4] They look at the room no more, with any session. */
  gone?: true;
}
/** [GW-8.5] Somebody else's read marker moved. */
export interface ReceiptFrame {
  op: "receipt";
  room: string;
  actor: WireActor;
  read: number;
}
/** [GW-8.6] A user goes by another name or handle now. */
export interface UserFrame {
  op: "user";
  user: { id: string; uuid: string; publicId: string; handle: string; name: string };
}
/** [GW-9.1] */
export interface CallFrame {
  op: "call";
  room: string;
  flags: number;
  participants: { actor: WireActor; flags: number }[];
}
/** [GW-10.2] */
export interface ByeFrame {
  op: "bye";
  code: number;
  reconnectMs: number;
}

export type ServerFrame =
  | ReadyFrame
  | EventFrame
  | OkFrame
  | ErrorFrame
  | UnreadFrame
  | TypingFrame
  | PresenceFrame
  | ReceiptFrame
  | UserFrame
  | CallFrame
  | ByeFrame;
