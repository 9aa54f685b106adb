/**
 * What the app knows of its rooms: entries, messages, and how far it came in each. Events change it at once; the store gets the
 * changes with the places up to which they were applied, all or none.
 */
import type { ReadyFrame, RoomEvent, WireActor } from "../../protocol/frames.ts";
import type { Cursor } from "../cursors.ts";
import { type OwnedObservable, observe } from "../emitter.ts";
import type { Reset } from "../room-logs.ts";
import { byActivity, type Room } from "../rooms.ts";
import type { Store } from "../stores/store.ts";
import { withMarker } from "./overlay.ts";
import { Account, HiddenMessages, Markers } from "./own-state.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { itemOf, type StoredItem, targetsOf } from "./timeline/timeline.ts";
import type { TimelineWindow } from "./timeline/window.ts";
import { type RoomRecord, ViewStore } from "./view-store.ts";

export class LocalView {
  readonly store: ViewStore;
  readonly rooms: OwnedObservable<readonly Room[]>;
  readonly account: Account;
  readonly #records = new Map<string, RoomRecord>();
  readonly #windows = new Map<string, TimelineWindow>();
  readonly #entries = new Map<string, OwnedObservable<Room | undefined>>();
  /** Entries with the marker over them, as long as nothing of both changed. */
  readonly #shown = new Map<string, Room>();
  readonly markers: Markers;
  readonly hidden: HiddenMessages;
  #loaded: Promise<void> | null = null;
  #pending: PendingWrites | null = null;

  constructor(store: Store, onError: (error: unknown) => void) {
    this.store = new ViewStore(store, onError);
    this.account = new Account(this.store);
    this.markers = new Markers(this.store);
    this.hidden = new HiddenMessages(this.store, {
      window: (room) => this.#windows.get(room),
      isStored: (room, seq) => seq >= (this.#records.get(room)?.floor ?? Number.POSITIVE_INFINITY),
      onAnswerGone: ({ root, gone }) => this.#takeChange(root, gone),
    });
    this.rooms = observe(() =>
      byActivity(
        [...this.#records.keys()].map((room) => this.#entry(room)).filter((entry) => entry !== undefined),
      ),
    );
  }

  // ── What is known ────────────────────────────────────────────────────────────────────────────────────

  get user(): ReadyFrame["user"] | null {
    return this.account.meta?.user ?? null;
  }

  get isLoaded(): boolean {
    return this.#pending !== null;
  }

  get me(): WireActor {
    return this.account.me;
  }

  record(room: string): RoomRecord | undefined {
    return this.#records.get(room);
  }

  entry(room: string): OwnedObservable<Room | undefined> {
    const known = this.#entries.get(room) ?? observe(() => this.#entry(room));
    this.#entries.set(room, known);
    return known;
  }

  #entry(room: string): Room | undefined {
    const entry = this.#records.get(room)?.entry;
    if (!entry) return undefined;
    const known = this.#shown.get(room);
    if (known) return known;
    const window = this.#windows.get(room);
    const countAfter = (seq: number) => window?.unreadAfter(seq);
    const shown = withMarker(entry, this.markers.of(room), countAfter);
    this.#shown.set(room, shown);
    return shown;
  }

  /** How far the user has read in the thread that begins at a seq, as far as is known. */
  readIn(room: string, root: number): number {
    const read = Math.max(this.#records.get(room)?.entry?.read ?? 0, this.markers.of(room) ?? 0);
    return Math.max(read, this.markers.ofThread(room, root));
  }

  /** How far the app came, for resuming, and the rooms' entries; null before the first session. */
  cursor(): Cursor | null {
    const { meta } = this.account;
    if (!meta) return null;
    const rooms = [...this.#records].map(([room, { seq, at }]) => [room, at === null ? seq : { seq, at }]);
    const entries = [...this.#records.values()].flatMap(({ entry }) => entry ?? []);
    return { epoch: meta.epoch, rooms: Object.fromEntries(rooms), entries };
  }

  // ── The store ────────────────────────────────────────────────────────────────────────────────────────

  /** Reads everything but messages, once. After a failure the next call reads again. */
  load(pending: PendingWrites): Promise<void> {
    this.#loaded ??= this.#load(pending).catch((error: unknown) => {
      this.#loaded = null;
      throw error;
    });
    return this.#loaded;
  }

  async #load(pending: PendingWrites): Promise<void> {
    const loaded = await this.store.load();
    const { meta, records, writes } = loaded;
    this.account.load(meta);
    for (const [room, record] of records) this.#records.set(room, record);
    this.markers.load(loaded);
    this.hidden.no = loaded.hidden;
    pending.load(writes);
    this.#pending = pending;
    this.#allChanged();
  }

  /** Forgets everything, on the device too. */
  #clear(): void {
    for (const room of this.#records.keys()) this.#forget(room);
    this.#pending?.clear();
    this.markers.clear();
    this.hidden.clear();
    this.store.clear();
    this.account.load(null);
  }

  setFloor(room: string, floor: number): void {
    const record = this.#records.get(room);
    if (!record) return;
    record.floor = floor;
    this.#saveRecord(room);
  }

  #saveRecord(room: string): void {
    this.store.saveRecord(room, () => this.#records.get(room));
  }

  // ── What happens ─────────────────────────────────────────────────────────────────────────────────────

  addWindow(room: string, window: TimelineWindow): void {
    this.#windows.set(room, window);
  }

  removeWindow(room: string): void {
    this.#windows.delete(room);
  }

  /** @param entryOf the room's entry as the client has it */
  takeReady(ready: ReadyFrame, entryOf: (room: string) => Room | undefined): void {
    // The store holds what another person may not see.
    if (this.user && this.user.id !== ready.user.id) this.#clear();
    this.account.begin(ready);
    this.hidden.begin(ready);
    for (const { room } of ready.rooms) {
      const entry = entryOf(room);
      if (entry) this.takeEntry(entry);
    }
    this.#allChanged();
  }

  /** A marker that the server has is kept here no more. */
  #entryTaken({ room, read }: Room, before?: Room): void {
    if (read >= (this.markers.of(room) ?? Number.POSITIVE_INFINITY)) this.markers.set(room, null);
    this.#roomChanged(room);
    if (read !== before?.read) this.moved(room);
  }

  takeEntry(entry: Room): void {
    const { room, head, at } = entry;
    const record = this.#records.get(room) ?? { seq: head, at, floor: head + 1 };
    this.#records.set(room, record);
    const before = record.entry;
    record.entry = entry;
    this.#entryTaken(entry, before);
  }

  takeEvent(event: RoomEvent): void {
    const record = this.#records.get(event.room) ?? this.#begin(event);
    if (event.seq <= record.seq) return;
    // Who waits in a lobby gets the end of the membership without the events before it.
    if (event.seq > record.seq + 1) record.floor = event.seq;
    record.seq = event.seq;
    record.at = event.at;
    this.#saveRecord(event.room);
    const item = itemOf(event);
    if (item) this.#takeItem(item);
    for (const target of this.hidden.left(event, targetsOf(event))) this.#takeChange(target, event);
    if (this.#windows.has(event.room)) this.counted(event.room);
    this.#pending?.applied(event);
  }

  /** A room begins with its first event here. Its entry is still to come. */
  #begin({ room, seq }: RoomEvent): RoomRecord {
    const record = { seq: seq - 1, at: null, floor: seq };
    this.#records.set(room, record);
    return record;
  }

  #takeItem(item: StoredItem): void {
    if (this.hidden.has(item.room, item.seq)) return;
    this.store.saveItem(item);
    this.#windows.get(item.room)?.append(item);
  }

  #takeChange(target: number, event: RoomEvent): void {
    const reader = { me: this.me.id, read: this.readIn(event.room, target) };
    const isInMemory = this.#windows.get(event.room)?.change(target, event, reader) ?? false;
    if (target < (this.#records.get(event.room)?.floor ?? 0)) this.store.note(target, event);
    else if (!isInMemory) this.store.changeItem(target, event, reader);
  }

  /** The room's log goes on after another place. What is held may be of another history, or have changed unseen. */
  takeReset({ room, head }: Reset): void {
    const record = this.#records.get(room);
    if (!record) return;
    Object.assign(record, {
      seq: head,
      at: record.entry?.head === head ? record.entry.at : null,
      floor: head + 1,
    });
    this.store.clearItems(room);
    this.markers.forgetThreads(room);
    this.#saveRecord(room);
    this.#windows.get(room)?.reset();
    this.#pending?.reset(room);
  }

  takeLeft(room: string): void {
    if (!this.#records.has(room)) return;
    this.#forget(room);
    this.#roomChanged(room);
  }

  #forget(room: string): void {
    this.#records.delete(room);
    this.#shown.delete(room);
    this.#saveRecord(room);
    this.markers.set(room, null);
    this.markers.forgetThreads(room);
    this.store.clearItems(room);
    this.#windows.get(room)?.empty();
  }

  /** Notes how far the user has read, until the server has it too. */
  mark(room: string, seq: number): void {
    if (seq <= (this.markers.of(room) ?? this.#records.get(room)?.entry?.read ?? 0)) return;
    this.markers.set(room, seq);
    this.#roomChanged(room);
    this.moved(room);
  }

  /** Notes how far the user has read in a thread, until the server has it too. */
  markThread(room: string, root: number, seq: number): void {
    if (!this.#records.has(room) || seq <= this.readIn(room, root)) return;
    this.markers.setThread(room, root, seq);
    this.moved(room);
  }

  /** The server has the marker of a thread, or will not have it. */
  unmarkThread(room: string, root: number, seq: number): void {
    if (this.markers.ofThread(room, root) === seq) this.markers.setThread(room, root, null);
  }

  /** The user has read on, in the room or in a thread: what is unread in its threads is another number. */
  moved(room: string): void {
    this.#windows.get(room)?.moved();
  }

  /** The server will not have the marker. */
  unmark(room: string, seq: number): void {
    if (this.markers.of(room) !== seq) return;
    this.markers.set(room, null);
    this.#roomChanged(room);
  }

  /** The entry changed, or what is shown over it. */
  #roomChanged(room: string): void {
    if (this.#records.has(room)) this.#saveRecord(room);
    this.counted(room);
  }

  /** What is unread may be counted otherwise, with what is in memory now. */
  counted(room: string): void {
    this.#shown.delete(room);
    this.rooms.changed();
    this.#entries.get(room)?.changed();
  }

  #allChanged(): void {
    this.#shown.clear();
    this.rooms.changed();
    for (const entry of this.#entries.values()) entry.changed();
  }
}
