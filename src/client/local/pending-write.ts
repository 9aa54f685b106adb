/** One thing that the user did and the server has not acknowledged. */
import type { MessageData, OkFields, WireAttachment } from "../../protocol/frames.ts";
import type { Message } from "../client.ts";
import type { WriteOp } from "../outbox.ts";

/** What an op has beside its room and its place. */
export type WriteFields = Record<string, unknown>;

export interface PendingWrite {
  /** Of a message its own id. */
  readonly id: string;
  readonly op: WriteOp;
  readonly room: string;
  readonly fields: WriteFields;
  /** The message that is changed: its seq, or the id of one that has none yet. */
  readonly target?: { readonly seq: number } | { readonly id: string };
  /** What a new message shows beside its fields: its files; or what a forwarded one says, where the device has it. */
  readonly said?: Partial<MessageData>;
  /** When the user did it, ms. */
  readonly at: number;
  /** Its place in the log, from its acknowledgement until its event is here. */
  readonly ack?: { readonly seq: number; readonly at: number };
  /** Why the server refused it. It stays until it is tried again or discarded. */
  readonly failed?: { readonly code: string; readonly message: string };
}

/** The app has discarded the message before it was stored. */
export class Discarded extends Error {
  constructor() {
    super("The message was discarded before it was sent");
    this.name = "Discarded";
  }
}

interface Waiting {
  promise: Promise<OkFields[WriteOp]>;
  resolve(answer: OkFields[WriteOp]): void;
  reject(error: Error): void;
}
/** A write with what this run of the app knows of it. */
export interface Entry {
  write: PendingWrite;
  readonly key: string;
  isUnderWay: boolean;
  /** It may be at the server: it was said, or another run of the app had it. */
  isTried: boolean;
  waiting: Waiting;
}

/** The message that a write sends on. */
export function sourceOf({ fields }: PendingWrite): { room: string; seq: number } | undefined {
  return fields.forward as { room: string; seq: number } | undefined;
}

/** Still to be said or answered. */
export function isOpen({ write }: Entry): boolean {
  return !write.failed && !write.ack;
}

export function waiting(): Waiting {
  let settle: Pick<Waiting, "resolve" | "reject"> | undefined;
  const promise = new Promise<OkFields[WriteOp]>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // What fails is shown; nobody has to wait for it.
  promise.catch(() => undefined);
  return { promise, ...(settle as Pick<Waiting, "resolve" | "reject">) };
}

/** A message to send, with the ids of files, or with what `uploadFile` resolved with. */
export type LocalMessage = Omit<Message, "attachments"> & {
  attachments?: (string | WireAttachment)[] | undefined;
};

/** The fields of a message as they are sent, and the files that are shown meanwhile. */
export function withFiles({ attachments, ...fields }: Omit<LocalMessage, "id" | "room">): {
  fields: WriteFields;
  said?: Partial<MessageData>;
} {
  if (!attachments) return { fields };
  const ids = attachments.map((file) => (typeof file === "string" ? file : file.id));
  const files = attachments.filter((file) => typeof file !== "string");
  return {
    fields: { ...fields, attachments: ids },
    ...(files.length > 0 && { said: { attachments: files } }),
  };
}

/** What a message says that is edited before it was sent [GW-13.2]. */
export function editedFields(fields: WriteFields, edit: WriteFields): WriteFields {
  const { mentions: _, format: before, ...kept } = fields;
  const { format = before, ...others } = edit;
  return { ...kept, ...others, ...(format ? { format } : {}) };
}
