/** A room with its messages: `client.room(token)` of a client with a store. */
import type { OkFields } from "../../protocol/frames.ts";
import type { RoomClient } from "../commands/room-commands.ts";
import { type Observable, type OwnedObservable, observe, type Unsubscribe } from "../emitter.ts";
import { RoomHandle } from "../rooms.ts";
import { LiveRoom } from "./live.ts";
import type { LocalView } from "./local-view.ts";
import { withPending } from "./overlay.ts";
import type { PendingWrites } from "./pending-writes.ts";
import type { TimelineItem } from "./timeline/timeline.ts";
import { TimelineWindow } from "./timeline/window.ts";

export interface RoomParts {
  /** Does what is done in the room. */
  client: RoomClient;
  view: LocalView;
  pending: PendingWrites;
  /** A page of history. Rejects with `ConnectionLost` while there is no session. */
  history(
    room: string,
    page: { before?: number; around?: number; limit: number },
  ): Promise<OkFields["history"]>;
  /** Reads the store, once. */
  load(): Promise<void>;
  /** The room's messages are in memory from now on. */
  onLoaded(room: string): void;
}

/**
 * A room's timeline, the oldest item first: messages, and what else happened. Messages that are not acknowledged stand at its
 * end. Its last page is loaded when somebody subscribes, or by {@link Messages.load}.
 */
export class Messages implements Observable<readonly TimelineItem[]> {
  readonly #parts: RoomParts;
  readonly #room: string;
  readonly #shown: OwnedObservable<readonly TimelineItem[]>;
  #window: TimelineWindow | null = null;
  #subscribers = 0;

  constructor(room: string, parts: RoomParts) {
    this.#room = room;
    this.#parts = parts;
    this.#shown = observe(() =>
      withPending(this.#window?.items ?? [], parts.pending.of(room), parts.view.me),
    );
  }

  readonly subscribe = (listener: () => void): Unsubscribe => {
    const off = this.#shown.subscribe(listener);
    this.#subscribers++;
    void this.load().catch(() => undefined);
    let isOn = true;
    return () => {
      off();
      if (isOn) this.#subscribers--;
      isOn = false;
    };
  };

  readonly getSnapshot = (): readonly TimelineItem[] => this.#shown.getSnapshot();

  /** Whether {@link Messages.loadOlder} would find more. */
  get hasOlder(): boolean {
    return this.#window?.hasOlder ?? true;
  }

  /** Whether somebody watches. */
  get isWatched(): boolean {
    return this.#subscribers > 0;
  }

  /** Loads the last page from the store, and from the server what is missing in it, when there is a session. */
  async load(): Promise<void> {
    await (await this.#open())?.fill();
  }

  /**
   * Loads a page of older items, from the store or from the server. Resolves with whether there is still more. Rejects with
   * `ConnectionLost` when they are on the server and there is no session.
   */
  async loadOlder(): Promise<boolean> {
    return (await (await this.#open())?.loadOlder()) ?? false;
  }

  /** The seq of a message by its id, or undefined. */
  seqOf(id: string): number | undefined {
    const me = this.#parts.view.me.id;
    const found = this.#window?.items.findLast((item) => item.id === id && item.actor.id === me);
    return found?.seq;
  }

  /** The seq with which the thread begins that a message is in, as far as that is known here. */
  rootOf(seq: number): number {
    const found = this.#window?.items.find((item) => item.seq === seq);
    const thread = found?.type === "message" ? found.data.thread : undefined;
    return typeof thread === "number" ? thread : seq;
  }

  /** Gives the memory back: the last page is loaded again when it is needed. */
  release(): void {
    this.#window = null;
    this.#parts.view.removeWindow(this.#room);
    this.#shown.changed();
  }

  changed(): void {
    this.#shown.changed();
  }

  /** Null where the user is not in the room, as far as is known. */
  async #open(): Promise<TimelineWindow | null> {
    const { view, load } = this.#parts;
    if (!view.isLoaded) await load();
    if (!this.#window && view.record(this.#room)) {
      this.#window = this.#makeWindow();
      view.addWindow(this.#room, this.#window);
      this.#parts.onLoaded(this.#room);
    }
    return this.#window;
  }

  #makeWindow(): TimelineWindow {
    const room = this.#room;
    const { view, history } = this.#parts;
    return new TimelineWindow({
      me: () => view.me.id,
      head: () => view.record(room)?.seq ?? 0,
      floor: () => view.record(room)?.floor ?? 0,
      setFloor: (floor) => view.setFloor(room, floor),
      save: (item) => view.store.saveItem(item),
      isHidden: (seq) => view.hidden.has(room, seq),
      stored: (before, limit) => view.store.items(room, before, limit),
      reply: (seq) => view.store.reply(room, seq),
      readIn: (root) => view.readIn(room, root),
      history: (page) => history(room, page),
      onChange: () => this.#shown.changed(),
      onLoaded: () => view.counted(room),
    });
  }
}

export class LocalRoom extends RoomHandle {
  readonly messages: Messages;
  readonly live: LiveRoom;

  constructor(room: string, parts: RoomParts) {
    super(parts.client, room, parts.view.entry(room));
    this.messages = new Messages(room, parts);
    const { store } = parts.view;
    this.live = new LiveRoom(() => parts.view.me.id, {
      load: () => store.reads(room),
      save: (reads) => store.saveReads(room, reads),
    });
  }

  /** Who types, beside the user. Flows while the room is open. */
  get typing(): LiveRoom["typing"] {
    return this.live.typing;
  }

  /** Who looks at the room. Flows while the room is open. */
  get presence(): LiveRoom["presence"] {
    return this.live.presence;
  }

  /** How far each member has read. Flows while the room is open; the device keeps it. */
  get receipts(): LiveRoom["receipts"] {
    return this.live.receipts;
  }
}
