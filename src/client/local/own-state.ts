/** What is the user's own beside rooms and messages, and is there when the app starts without a network: profile, blocks, markers, what they hid. */
import type { HiddenFrame, ReadyFrame, WireActor } from "../../protocol/frames.ts";
import { observe } from "../emitter.ts";
import { including } from "../rooms.ts";
import { type GoneAnswer, goneAnswer, type StoredItem } from "./timeline/timeline.ts";
import type { TimelineWindow } from "./timeline/window.ts";
import type { Loaded, Meta, ViewStore } from "./view-store.ts";

/** Whose data the device keeps. */
export class Account {
  readonly #store: ViewStore;
  #meta: Meta | null = null;
  /** The ids of those whom the user blocks. */
  readonly blocked = observe<readonly string[]>(() => this.#meta?.blocked ?? []);

  constructor(store: ViewStore) {
    this.#store = store;
  }

  /** Null before the first session. */
  get meta(): Meta | null {
    return this.#meta;
  }

  get me(): WireActor {
    const { id = "", name = "" } = this.#meta?.user ?? {};
    return { kind: "user", id, name };
  }

  /** @param meta as the store has it */
  load(meta: Meta | null): void {
    this.#meta = meta;
    this.blocked.changed();
  }

  begin({ epoch, user, blocked = [] }: ReadyFrame): void {
    this.#set({ epoch, user, blocked });
  }

  takeBlock(user: string, isOn: boolean): void {
    const blocked = including(this.#meta?.blocked ?? [], user, isOn);
    if (this.#meta) this.#set({ ...this.#meta, blocked });
  }

  /** @param user as the profile is now */
  takeUser(user: ReadyFrame["user"] | null): void {
    if (this.#meta && user) this.#set({ ...this.#meta, user });
  }

  #set(meta: Meta): void {
    this.load(meta);
    this.#store.saveMeta(() => this.#meta);
  }
}

/** Read markers that the server does not know yet: those of rooms, and those of threads in them. */
export class Markers {
  readonly #store: ViewStore;
  readonly #rooms = new Map<string, number>();
  /** By room, and by the seq with which the thread begins. */
  readonly #threads = new Map<string, Map<number, number>>();

  constructor(store: ViewStore) {
    this.#store = store;
  }

  load({ markers, threads }: Loaded): void {
    for (const [room, seq] of markers) this.#rooms.set(room, seq);
    for (const [room, root, seq] of threads) this.#threadsOf(room).set(root, seq);
  }

  get rooms(): ReadonlyMap<string, number> {
    return this.#rooms;
  }

  get threads(): { room: string; root: number; seq: number }[] {
    return [...this.#threads].flatMap(([room, roots]) =>
      [...roots].map(([root, seq]) => ({ room, root, seq })),
    );
  }

  of(room: string): number | undefined {
    return this.#rooms.get(room);
  }

  ofThread(room: string, root: number): number {
    return this.#threads.get(room)?.get(root) ?? 0;
  }

  /** @param seq null: the server has it */
  set(room: string, seq: number | null): void {
    if (seq === null && !this.#rooms.delete(room)) return;
    if (seq !== null) this.#rooms.set(room, seq);
    this.#store.saveMarker(room, seq);
  }

  /** @param seq null: the server has it */
  setThread(room: string, root: number, seq: number | null): void {
    if (seq !== null) this.#threadsOf(room).set(root, seq);
    else if (!this.#threads.get(room)?.delete(root)) return;
    this.#store.saveThread(room, root, seq);
  }

  /** The room's threads may be others now. */
  forgetThreads(room: string): void {
    for (const root of [...(this.#threads.get(room)?.keys() ?? [])]) this.setThread(room, root, null);
    this.#threads.delete(room);
  }

  /** The store is cleared by its owner. */
  clear(): void {
    this.#rooms.clear();
    this.#threads.clear();
  }

  #threadsOf(room: string): Map<number, number> {
    const threads = this.#threads.get(room) ?? new Map<number, number>();
    this.#threads.set(room, threads);
    return threads;
  }
}

export interface HiddenHandlers {
  window(room: string): TimelineWindow | undefined;
  /** Whether the store holds what is at this seq. */
  isStored(room: string, seq: number): boolean;
  /** A thread lost an answer, as if that were deleted. */
  onAnswerGone(answer: GoneAnswer): void;
}

/** Messages that the user hid [GW-13.7]: they go from what is in memory, and from the device. */
export class HiddenMessages {
  readonly #store: ViewStore;
  readonly #handlers: HiddenHandlers;
  /** As far as this run of the app heard of them: the event of one may still come. */
  readonly #rooms = new Map<string, Set<number>>();
  /** All messages are known that the user hid, up to the one with this number. */
  no = 0;
  /** Ends when the messages that were hidden are gone from the store. */
  #removed: Promise<void> = Promise.resolve();

  constructor(store: ViewStore, handlers: HiddenHandlers) {
    this.#store = store;
    this.#handlers = handlers;
  }

  has(room: string, seq: number): boolean {
    return this.#rooms.get(room)?.has(seq) ?? false;
  }

  /** Those of the messages that an event changes that are shown still. A hidden message changes none. */
  left({ room, seq }: { room: string; seq: number }, targets: readonly number[]): readonly number[] {
    const known = this.#rooms.get(room);
    return known ? targets.filter((target) => !known.has(seq) && !known.has(target)) : targets;
  }

  begin({ hidden }: Pick<ReadyFrame, "hidden">): void {
    for (const [room, seqs] of Object.entries(hidden?.rooms ?? {})) this.hide(room, seqs);
    this.#known(hidden?.no ?? 0);
  }

  /** [GW-13.9] Where a frame before it was lost, its number is not kept: the next session tells of both. */
  take({ room, seqs, no }: HiddenFrame): void {
    this.hide(room, seqs);
    if (no === this.no + seqs.length) this.#known(no);
  }

  /** What a session goes on from, with the number; a server that never told of one may not know of it. */
  resume<R extends object | null | undefined>(from: R): R | (R & { hidden: number }) {
    return from && this.no > 0 ? { ...from, hidden: this.no } : from;
  }

  hide(room: string, seqs: readonly number[]): void {
    const known = this.#rooms.get(room);
    this.#rooms.set(room, new Set([...(known ?? []), ...seqs]));
    const inMemory = this.#handlers.window(room)?.remove(seqs) ?? [];
    for (const item of inMemory) this.#gone(item);
    const others = seqs.filter((seq) => !known?.has(seq) && !inMemory.some((item) => item.seq === seq));
    const stored = others.filter((seq) => this.#handlers.isStored(room, seq));
    // Those that the store alone has tell there which thread lost them.
    if (stored.length > 0) this.#removed = this.#removed.then(() => this.#removeStored(room, stored));
    for (const seq of seqs) if (!stored.includes(seq)) this.#store.removeItem(room, seq);
  }

  /** Never rejects. */
  async #removeStored(room: string, seqs: readonly number[]): Promise<void> {
    for (const seq of seqs) {
      const item = await this.#store.item(room, seq).catch(() => undefined);
      if (item) this.#gone(item);
      this.#store.removeItem(room, seq);
    }
  }

  #gone(item: StoredItem): void {
    const answer = goneAnswer(item);
    if (answer) this.#handlers.onAnswerGone(answer);
  }

  /** Forgets everything. */
  clear(): void {
    this.#rooms.clear();
    this.no = 0;
  }

  #known(no: number): void {
    if (no === this.no) return;
    this.no = no;
    // An app that is killed before is told of them again.
    void this.#removed.then(() => this.no === no && this.#store.saveHidden(no));
  }
}
