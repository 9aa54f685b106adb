/**
 * Every frame of WebSocket protocol v1. What clients say has a schema, because strangers say it; what the server says
 * has a type. A noun of the protocol has a file in frames/: the schemas of its ops, and what their answers hold. Rules are
 * written down in PROTOCOL.md under the ids in brackets.
 */
import type { z } from "zod";
import { ACCOUNT_OPS, type AccountAnswers } from "./frames/account.ts";
import { CALL_OPS, type CallAnswers } from "./frames/calls.ts";
import type { Ref } from "./frames/fields.ts";
import { FILE_OPS, type FileAnswers } from "./frames/files.ts";
import { HELLO_OPS } from "./frames/hello.ts";
import { MEMBER_OPS, type MemberAnswers } from "./frames/members.ts";
import { MESSAGE_CHANGE_OPS, type MessageChangeAnswers } from "./frames/message-changes.ts";
import { MESSAGE_OPS, type MessageAnswers } from "./frames/messages.ts";
import { PEOPLE_OPS, type PeopleAnswers } from "./frames/people.ts";
import { PRESENCE_OPS, type PresenceAnswers } from "./frames/presence.ts";
import { RECEIPT_OPS, type ReceiptAnswers } from "./frames/receipts.ts";
import { ROOM_CHANGE_OPS, type RoomChangeAnswers } from "./frames/room-changes.ts";
import { ROOM_LIST_OPS, type RoomListAnswers } from "./frames/room-list.ts";
import { SEARCH_OPS, type SearchAnswers } from "./frames/search.ts";
import type {
  BlockFrame,
  ByeFrame,
  CallFrame,
  ConnectionFrame,
  ContactFrame,
  ErrorFrame,
  EventFrame,
  HiddenFrame,
  PresenceFrame,
  ReadyFrame,
  ReceiptFrame,
  RoomFrame,
  SignalFrame,
  TypingFrame,
  UnreadFrame,
  UserFrame,
} from "./frames/server.ts";
import { LIMITS } from "./limits.ts";

export type { LinkedIdentity, LoginSession } from "./frames/account.ts";
export type * from "./frames/events.ts";
export type { Ref } from "./frames/fields.ts";
export type { WireAttachment } from "./frames/files.ts";
export type { Place } from "./frames/hello.ts";
export type { ListedMember } from "./frames/members.ts";
export type { ChangeAnswer } from "./frames/message-changes.ts";
export type { WireContact } from "./frames/people.ts";
export type { RoomPreview } from "./frames/room-changes.ts";
export type * from "./frames/server.ts";

// ── What clients say ─────────────────────────────────────────────────────────────────────────────────

/**
 * One strict schema for each op: unknown fields are refused by name [GW-3.4]. Lengths of texts, ids and mentions are
 * the domain's rules and are judged there.
 */
export const CLIENT_SCHEMAS = {
  ...HELLO_OPS,
  ...MESSAGE_OPS,
  ...MESSAGE_CHANGE_OPS,
  ...RECEIPT_OPS,
  ...SEARCH_OPS,
  ...MEMBER_OPS,
  ...ROOM_CHANGE_OPS,
  ...PRESENCE_OPS,
  ...CALL_OPS,
  ...FILE_OPS,
  ...PEOPLE_OPS,
  ...ACCOUNT_OPS,
  ...ROOM_LIST_OPS,
} as const satisfies Record<string, z.ZodType>;

export type ClientOp = keyof typeof CLIENT_SCHEMAS;
export type ClientFrames = { [Op in ClientOp]: z.infer<(typeof CLIENT_SCHEMAS)[Op]> };
export type ClientFrame = ClientFrames[ClientOp];
/** What a client may write: `limit` of `history` has a default. */
export type ClientFrameInput = z.input<(typeof CLIENT_SCHEMAS)[ClientOp]>;
/** A frame to send, without `ref`: whoever sends it numbers it. */
export type Question<Op extends ClientOp = ClientOp> = Op extends unknown
  ? Omit<Extract<ClientFrameInput, { op: Op }>, "ref">
  : never;

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

/** What `ok` holds beside `op` and `ref`, by the op that it answers. */
export interface OkFields
  extends MessageAnswers,
    MessageChangeAnswers,
    ReceiptAnswers,
    SearchAnswers,
    MemberAnswers,
    RoomChangeAnswers,
    PresenceAnswers,
    CallAnswers,
    FileAnswers,
    PeopleAnswers,
    AccountAnswers,
    RoomListAnswers {}
export type OkFrame<Op extends keyof OkFields = keyof OkFields> = { op: "ok"; ref: Ref } & OkFields[Op];

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
  | BlockFrame
  | ContactFrame
  | ConnectionFrame
  | HiddenFrame
  | RoomFrame
  | CallFrame
  | SignalFrame
  | ByeFrame;
