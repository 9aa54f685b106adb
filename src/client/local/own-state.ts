/** What is the user's own beside rooms and messages, and is there when the app starts without a network: profile, blocks, markers. */
import type { ReadyFrame, WireActor } from "../../protocol/frames.ts";
import { observe } from "../emitter.ts";
import { including } from "../rooms.ts";
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
