/** One thing that the user did and the server has not acknowledged. */
import type { MessageData, OkFields } from "../../protocol/frames.ts";
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
  /** What a forwarded message says, as the device has it; missing where the device does not have it. */
  readonly said?: MessageData;
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

/** What a message says that is edited before it was sent [GW-13.2]. */
export function editedFields(fields: WriteFields, edit: WriteFields): WriteFields {
  const { mentions: _, format: before, ...kept } = fields;
  const { format = before, ...others } = edit;
  return { ...kept, ...others, ...(format ? { format } : {}) };
}
