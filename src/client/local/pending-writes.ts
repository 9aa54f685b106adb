/**
 * What the user did and the server has not acknowledged: messages, edits, deletions, reactions and pins. They are kept in the
 * store, shown as pending, and said again in every session until they are answered. Each names what it writes by an id or a
 * place, so that saying it again changes nothing.
 */
import type { MessageData, OkFields, Question, RoomEvent } from "../../protocol/frames.ts";
import { ConnectionLost, OutboxFull, Refused } from "../failures.ts";
import type { WriteOp } from "../outbox.ts";
import {
  Discarded,
  type Entry,
  editedFields,
  isOpen,
  type PendingWrite,
  sourceOf,
  type WriteFields,
  waiting,
} from "./pending-write.ts";
import { isMe } from "./timeline/timeline.ts";

export interface PendingHandlers {
  /** Says a write in this session. Rejects with `Refused` or `ConnectionLost`. */
  write(question: Question<WriteOp>): Promise<OkFields[WriteOp]>;
  /** The seq of the last event of the room that was applied. */
  head(room: string): number;
  me(): string;
  /** The server has hidden the message for the user. */
  onHidden(room: string, seq: number): void;
  /** Keeps a write under its key, or removes it. */
  save(key: string, write: PendingWrite | null): void;
  onChange(room: string): void;
}

const KEY_DIGITS = 12;

export class PendingWrites {
  readonly #handlers: PendingHandlers;
  readonly #limit: number;
  /** In the order in which they were done. */
  readonly #rooms = new Map<string, Entry[]>();
  #isOnline = false;
  #next = 1;

  /** @param limit writes that may be kept, in all rooms together */
  constructor(limit: number, handlers: PendingHandlers) {
    this.#limit = limit;
    this.#handlers = handlers;
  }

  /** Takes what an earlier run of the app kept. */
  load(rows: readonly [key: string, write: PendingWrite][]): void {
    for (const [key, write] of rows) {
      this.#next = Math.max(this.#next, Number.parseInt(key, 36) + 1);
      this.#push({ write, key, isUnderWay: false, isTried: true, waiting: waiting() });
    }
  }

  /** All writes, in their order within each room. */
  all(): PendingWrite[] {
    return [...this.#rooms.keys()].flatMap((room) => this.of(room));
  }

  of(room: string): PendingWrite[] {
    return (this.#rooms.get(room) ?? []).map(({ write }) => write);
  }

  /**
   * Queues a write. Resolves when the server has acknowledged it, which may be in a later session. Rejects with `Refused`,
   * `OutboxFull` or {@link Discarded}; nobody has to listen, because it is shown as failed.
   * @param about the message that it changes, or what a new one shows beside its fields
   */
  add(
    op: WriteOp,
    room: string,
    id: string,
    fields: WriteFields,
    about: { target?: PendingWrite["target"]; said?: PendingWrite["said"] } = {},
  ) {
    const { target, said } = about;
    const size = [...this.#rooms.values()].reduce((sum, entries) => sum + entries.length, 0);
    if (size >= this.#limit) return Promise.reject(new OutboxFull(this.#limit));
    const merged = target && "id" in target ? this.#merge(op, room, target.id, fields) : undefined;
    if (merged !== undefined) return merged;
    const key = (this.#next++).toString(36).padStart(KEY_DIGITS, "0");
    const place = this.#resolved(room, target);
    const write: PendingWrite = { id, op, room, fields, at: Date.now(), ...place, ...(said && { said }) };
    const entry = { write, key, isUnderWay: false, isTried: false, waiting: waiting() };
    this.#push(entry);
    this.#keep(entry, write);
    this.#pump(room);
    return entry.waiting.promise;
  }

  /** Shows what a forwarded message says. */
  showForwarded(id: string, said: MessageData): void {
    const entry = this.#find(id);
    if (entry) this.#keep(entry, { ...entry.write, said });
  }

  online(): void {
    this.#isOnline = true;
    for (const room of this.#rooms.keys()) this.#pump(room);
  }

  offline(): void {
    this.#isOnline = false;
  }

  /** An event was applied: what it acknowledges is pending no more. */
  applied(event: RoomEvent): void {
    const entries = this.#rooms.get(event.room);
    if (!entries) return;
    if (event.type === "message" && event.id !== undefined && isMe(event.actor, this.#handlers.me())) {
      const own = entries.find(({ write }) => write.op === "send" && write.id === event.id);
      const { thread } = event.data;
      if (own) this.#acknowledge(own, { ...event, ...(typeof thread === "number" && { thread }) });
    }
    for (const entry of [...entries])
      if ((entry.write.ack?.seq ?? Infinity) <= event.seq) this.#remove(entry);
  }

  /**
   * The room has another log than the one that was known. Messages are sent again, since they may not be in it. Changes of
   * messages and forwards of them fail: there may be another message at that place.
   */
  reset(room: string): void {
    for (const entry of [...this.#rooms.values()].flat())
      if (isOpen(entry) && sourceOf(entry.write)?.room === room) this.#fail(entry, anotherLog());
    for (const entry of [...(this.#rooms.get(room) ?? [])]) {
      const { ack: _, ...write } = entry.write;
      if (write.target && "seq" in write.target) {
        if (entry.write.ack) this.#remove(entry);
        else this.#fail(entry, anotherLog());
      } else if (entry.write.ack) this.#keep(entry, write);
    }
  }

  /** Tries a refused write again. Settles as that of {@link PendingWrites.add}; undefined where there is no such write. */
  retry(id: string): Promise<OkFields[WriteOp]> | undefined {
    const entry = this.#find(id);
    if (!entry?.write.failed) return undefined;
    const { failed: _, ...write } = entry.write;
    this.#keep(entry, write);
    this.#pump(write.room);
    return entry.waiting.promise;
  }

  /** Forgets a write, and with a message what was done to it. One that is under way may have arrived. */
  discard(id: string): void {
    const entry = this.#find(id);
    if (!entry) return;
    const dependent = (this.#rooms.get(entry.write.room) ?? []).filter(
      ({ write: { target } }) => target && "id" in target && target.id === id,
    );
    for (const each of [entry, ...dependent]) {
      this.#remove(each);
      each.waiting.reject(new Discarded());
    }
  }

  /** Nothing is said any more; what is kept is for the next run of the app. */
  end(error: Error): void {
    this.#isOnline = false;
    for (const entries of this.#rooms.values()) for (const { waiting } of entries) waiting.reject(error);
  }

  /** Forgets everything. */
  clear(): void {
    for (const entries of [...this.#rooms.values()]) for (const entry of [...entries]) this.#remove(entry);
  }

  /** A message that the server can't have is changed where it waits. Undefined where that can't be. */
  #merge(op: WriteOp, room: string, id: string, fields: WriteFields): Promise<OkFields[WriteOp]> | undefined {
    const entry = (this.#rooms.get(room) ?? []).find(({ write }) => write.op === "send" && write.id === id);
    if (!entry || (entry.isTried && !entry.write.failed)) return undefined;
    if (op === "delete") {
      this.discard(id);
      return Promise.resolve({ room, duplicate: true as const });
    }
    if (op !== "edit" || sourceOf(entry.write)) return undefined;
    const { failed, ...write } = entry.write;
    this.#keep(entry, { ...write, fields: editedFields(write.fields, fields) });
    if (failed) this.#pump(room);
    return entry.waiting.promise;
  }

  /** The place of a message by its id, when it has one by now. */
  #resolved(room: string, target: PendingWrite["target"]): { target?: NonNullable<PendingWrite["target"]> } {
    if (!target) return {};
    if ("seq" in target) return { target };
    const ack = this.#rooms.get(room)?.find(({ write }) => write.id === target.id)?.write.ack;
    return { target: ack ? { seq: ack.seq } : target };
  }

  #pump(room: string): void {
    const entries = this.#rooms.get(room) ?? [];
    for (const entry of entries) {
      if (!this.#isOnline) return;
      if (!entry.isUnderWay && isOpen(entry) && this.#isNext(entry, entries)) void this.#say(entry);
    }
  }

  /** Whether nothing has to be answered first: the message itself, and what was done to it before. */
  #isNext(entry: Entry, entries: readonly Entry[]): boolean {
    const { target } = entry.write;
    if (!target) return true;
    if ("id" in target) return false;
    for (const before of entries) {
      if (before === entry) return true;
      const other = before.write.target;
      if (isOpen(before) && other && "seq" in other && other.seq === target.seq) return false;
    }
    return true;
  }

  /** Never rejects. */
  async #say(entry: Entry): Promise<void> {
    const { op, room, id, fields, target } = entry.write;
    entry.isUnderWay = true;
    entry.isTried = true;
    try {
      const place = op === "send" ? { id } : target;
      const answer = await this.#handlers.write({ ...fields, op, room, ...place } as Question<WriteOp>);
      entry.isUnderWay = false;
      if (this.#isHeld(entry)) this.#answered(entry, answer);
    } catch (error) {
      entry.isUnderWay = false;
      if (!this.#isHeld(entry) || error instanceof ConnectionLost) return;
      if (!(error instanceof Refused)) return;
      this.#fail(entry, error);
    }
    this.#pump(room);
  }

  #fail(entry: Entry, error: Refused): void {
    this.#keep(entry, { ...entry.write, failed: { code: error.code, message: error.message } });
    entry.waiting.reject(error);
    entry.waiting = waiting();
  }

  #answered(entry: Entry, answer: OkFields[WriteOp]): void {
    const { seq, at } = answer;
    const { op, room, fields, target } = entry.write;
    const isHidden = op === "delete" && fields.forMe && target && "seq" in target;
    if (isHidden) this.#handlers.onHidden(room, target.seq);
    entry.waiting.resolve(answer);
    // There is no event: everything was as this change wants it, or a message was hidden.
    if (seq === undefined || at === undefined) this.#remove(entry);
    else this.#acknowledge(entry, { seq, at });
  }

  /** Its place is known. It is shown until its event is here. */
  #acknowledge(entry: Entry, { seq, at, thread }: { seq: number; at: number; thread?: number }): void {
    const { room, id, op } = entry.write;
    if (op === "send") {
      entry.waiting.resolve({ room, seq, at, ...(thread !== undefined && { thread }) });
      for (const other of this.#rooms.get(room) ?? []) {
        const { target } = other.write;
        if (target && "id" in target && target.id === id)
          this.#keep(other, { ...other.write, target: { seq } });
      }
    }
    if (seq <= this.#handlers.head(room)) this.#remove(entry);
    else this.#keep(entry, { ...entry.write, ack: { seq, at } });
    this.#pump(room);
  }

  #find(id: string): Entry | undefined {
    return [...this.#rooms.values()].flat().find(({ write }) => write.id === id);
  }

  #isHeld(entry: Entry): boolean {
    return this.#rooms.get(entry.write.room)?.includes(entry) ?? false;
  }

  #push(entry: Entry): void {
    const entries = this.#rooms.get(entry.write.room) ?? [];
    this.#rooms.set(entry.write.room, entries);
    entries.push(entry);
  }

  #keep(entry: Entry, write: PendingWrite): void {
    entry.write = write;
    this.#handlers.save(entry.key, write);
    this.#handlers.onChange(write.room);
  }

  #remove(entry: Entry): void {
    const { room } = entry.write;
    const left = (this.#rooms.get(room) ?? []).filter((other) => other !== entry);
    if (left.length > 0) this.#rooms.set(room, left);
    else this.#rooms.delete(room);
    this.#handlers.save(entry.key, null);
    this.#handlers.onChange(room);
  }
}

function anotherLog(): Refused {
  return new Refused("conflict", "The room was loaded anew; look at the message again");
}
