/**
 * Keeps rooms and messages on the device: an app starts with what it had, also without a network, and sends later what was done.
 *
 *     const client = createLocalClient({ url, token, store: indexedDbStore("chat") });
 *     client.rooms.subscribe(draw);
 *     await client.load();            // draws what the device has
 *     client.connect();
 *     client.room(token).messages.subscribe(draw);
 *     client.send(token, "Hello");    // shown at once, as pending
 *
 * Reading order: this file, local-view.ts (what is known), view-store.ts (how it is kept), timeline/ (a room's messages, and how events
 * change them), saver.ts (batches), pending-writes.ts (what is not acknowledged), overlay.ts (what is shown), live.ts.
 */
import type { OkFields } from "../../protocol/frames.ts";
import { Client, newMessageId } from "../client.ts";
import { type Fields, named } from "../commands/command.ts";
import { type Observable, observe } from "../emitter.ts";
import { ClientEnded } from "../failures.ts";
import type { ClientOptions } from "../options.ts";
import type { Ack } from "../outbox.ts";
import type { Room } from "../rooms.ts";
import type { Store } from "../stores/store.ts";
import { ContactBook } from "./contact-book.ts";
import { DeliveryReports } from "./delivery-reports.ts";
import { LocalRoom } from "./local-room.ts";
import { LocalView } from "./local-view.ts";
import { type LocalMessage, type PendingWrite, withFiles } from "./pending-write.ts";
import { PendingWrites } from "./pending-writes.ts";
import { Reading } from "./reading.ts";
import { forwardOf, isMe } from "./timeline/timeline.ts";

export interface LocalOptions extends Omit<ClientOptions, "store"> {
  /** Holds the data of one person. When another person signs in, it is emptied. */
  store: Store;
  /**
   * Told when the store does not take what is written, because the device is full, say. It is tried again; until then a restart
   * finds what was written before.
   */
  onStoreError?: (error: unknown) => void;
}

type Change = "edit" | "delete" | "react" | "unreact" | "pin" | "unpin";
/** The fields of a change of a message; one that has no seq yet is named by its `id`. */
type ChangeFields<Op extends Change> = Fields<Op> | (Omit<Fields<Op>, "seq"> & { id: string });

/** Rooms that nobody watches whose messages stay in memory. */
const UNWATCHED_ROOMS = 8;
const PENDING_LIMIT = 1_000;

/** Makes a client with a store; nothing happens before {@link LocalClient.load} or `connect`. */
export function createLocalClient(options: LocalOptions): LocalClient {
  const { store, onStoreError = () => undefined, ...others } = options;
  return new LocalClient(new LocalView(store, onStoreError), others);
}

export class LocalClient extends Client {
  readonly #view: LocalView;
  readonly #pending: PendingWrites;
  readonly #reports: DeliveryReports;
  readonly #reading: Reading;
  readonly #rooms = new Map<string, LocalRoom>();
  /** Rooms whose messages are in memory, the one that was looked at last at the end. */
  readonly #inMemory = new Set<string>();
  /** What is not acknowledged, or was refused. */
  readonly outbox: Observable<readonly PendingWrite[]>;
  /** The user's contact book. It is read from the server, and kept on the device, once somebody watches it or calls its `load`. */
  readonly contactBook: ContactBook;
  #isClosed = false;

  constructor(view: LocalView, options: Omit<ClientOptions, "store">) {
    super({ ...options, store: { load: () => this.load().then(() => view.cursor()) } });
    this.#view = view;
    const outbox = observe(() => this.#pending.all());
    this.outbox = outbox;
    this.#pending = new PendingWrites(options.outboxLimit ?? PENDING_LIMIT, {
      write: (question) => this.writeNow(question),
      head: (room) => view.record(room)?.seq ?? 0,
      me: () => view.me.id,
      onHidden: (room, seq) => view.hidden.hide(room, [seq]),
      save: (key, write) => view.store.saveWrite(key, write),
      onChange: (room) => {
        outbox.changed();
        this.#rooms.get(room)?.messages.changed();
      },
    });
    this.#reports = new DeliveryReports({
      stored: () => view.store.flush(),
      say: (rooms) => this.delivered({ rooms }),
    });
    this.#reading = new Reading(view, (marker) => super.read(marker));
    this.contactBook = new ContactBook(view.store, (page) => this.contacts(page));
    this.#listen();
  }

  /** Rooms as the device has them, newest activity first. */
  override get rooms(): Observable<readonly Room[]> {
    return this.#view.rooms;
  }

  override room(room: string): LocalRoom {
    const known = this.#rooms.get(room);
    if (known) return known;
    const made = new LocalRoom(room, {
      client: this,
      view: this.#view,
      pending: this.#pending,
      history: (token, page) => this.ask<"history">({ op: "history", room: token, ...page }),
      load: () => this.load(),
      onLoaded: (token) => this.#loaded(token),
    });
    this.#rooms.set(room, made);
    return made;
  }

  /** Who we are, also before the first session of this run. */
  override get user(): Client["user"] {
    return super.user ?? this.#view?.user ?? null;
  }

  /** The ids of those whom the user blocks, also before the first session of this run. */
  get blockedUsers(): Observable<readonly string[]> {
    return this.#view.account.blocked;
  }

  override get waiting(): Client["waiting"] {
    const sends = this.#pending.all().filter(({ op, failed }) => op === "send" && !failed);
    return sends.map(({ room, id, fields }) => ({ ...fields, room, id }));
  }

  /** Reads what the device has, but for messages. Rejects when the store can't be read; the next call tries again. */
  load(): Promise<void> {
    return this.#view.load(this.#pending);
  }

  /**
   * Sends a message: shown at once, sent when there is a session, in this run of the app or a later one. Resolves when it is
   * durable. Rejects with `Refused` (it is shown as failed then), `OutboxFull`, `Discarded` or `ClientEnded`. `attachments` are ids, or
   * what `uploadFile` resolved with, which is shown meanwhile. `forward: {room, seq}` sends a message on; it is shown with what the
   * device has of it.
   */
  override send(
    ...said: [room: string, text: string, more?: Partial<LocalMessage>] | [message: LocalMessage]
  ): Promise<Ack> {
    const { room, id = newMessageId(), ...others } = named<LocalMessage>(said, "text");
    const { fields, ...about } = withFiles(others);
    const sent = this.#write("send", room, id, fields, about) as Promise<Ack>;
    if (others.forward) void this.#showForwarded(id, others.forward).catch(() => undefined);
    return sent;
  }

  override edit = (fields: ChangeFields<"edit">) => this.#change("edit", fields);
  override delete = (fields: ChangeFields<"delete">) => this.#change("delete", fields);
  override react = (fields: ChangeFields<"react">) => this.#change("react", fields);
  override unreact = (fields: ChangeFields<"unreact">) => this.#change("unreact", fields);
  override pin = (fields: ChangeFields<"pin">) => this.#change("pin", fields);
  override unpin = (fields: ChangeFields<"unpin">) => this.#change("unpin", fields);

  /**
   * Moves the read marker of a room or a thread up to `seq`: at once here, and at the server when there is a session, now or later.
   * The mark of an unread room is said in this session alone.
   */
  override read(...said: [room: string, seq: number] | [marker: Fields<"read">]): Promise<void> {
    const marker = named<Fields<"read">>(said, "seq");
    const { room, seq, thread } = marker;
    if (seq === undefined) return super.read(marker);
    const mark = () => {
      if (thread === undefined) return this.#reading.readRoom(room, seq);
      return this.#reading.readThread(room, this.room(room).messages.rootOf(thread), seq);
    };
    return unattended(this.#view.isLoaded ? mark() : this.load().then(mark));
  }

  /** Tries again what was refused, by its id. Settles as the method that did it. */
  async retry(id: string): Promise<void> {
    await this.#pending.retry(id);
  }

  /** Forgets what is not acknowledged, by its id; with a message also what was done to it. What is under way may have arrived. */
  discard(id: string): void {
    this.#pending.discard(id);
  }

  /** Ends for good, and closes the store. What is not acknowledged is sent by the next client with this store. */
  override async disconnect(): Promise<void> {
    super.disconnect();
    this.#isClosed = true;
    this.#pending.end(new ClientEnded("The client has ended"));
    for (const room of this.#rooms.values()) room.live.ended();
    await this.#view.store.close();
  }

  /** With the number of the last message that the user hid and that is known here [GW-13.9]. */
  protected override resume(): ReturnType<Client["resume"]> {
    return this.#view.hidden.resume(super.resume());
  }

  #change<Op extends Change>(op: Op, fields: ChangeFields<Op>): Promise<OkFields[Op]> {
    const { room, seq, id, ...others } = fields as { room: string; seq?: number; id?: string };
    const known = seq ?? (id === undefined ? undefined : this.room(room).messages.seqOf(id));
    const target = known === undefined ? { id: id ?? "" } : { seq: known };
    return this.#write(op, room, newMessageId(), others, { target }) as Promise<OkFields[Op]>;
  }

  /** Shows what a message that is sent on says, at once where it is in memory. What the device does not have it can't show. */
  async #showForwarded(id: string, { room, seq }: { room: string; seq: number }): Promise<void> {
    if (!this.#view.isLoaded) await this.load();
    const shown = this.#rooms.get(room)?.messages.getSnapshot();
    const inMemory = shown?.find((item) => item.seq === seq);
    const item = inMemory ?? (await this.#view.store.items(room, seq + 1, 1)).find((one) => one.seq === seq);
    const said = forwardOf(item);
    if (said) this.#pending.showForwarded(id, said);
  }

  #write(...write: Parameters<PendingWrites["add"]>): Promise<OkFields[Change | "send"]> {
    if (this.#isClosed) return unattended(Promise.reject(new ClientEnded("The client has ended")));
    const add = () => this.#pending.add(...write);
    return unattended(this.#view.isLoaded ? add() : this.load().then(add));
  }

  #listen(): void {
    const view = this.#view;
    const entryOf = (room: string) => super.room(room).getSnapshot();
    this.on("ready", (ready) => {
      if (view.user && view.user.id !== ready.user.id) this.#forgetPerson();
      view.takeReady(ready, entryOf);
    });
    this.on("room", (room) => view.takeEntry(room));
    this.on("unread", ({ room, thread }) => thread && view.moved(room));
    this.on("event", (event) => {
      view.takeEvent(event);
      const isOthers = event.type === "message" && !isMe(event.actor, view.me.id);
      if (isOthers) this.#reports.note(event.room, event.seq);
    });
    this.on("hidden", (hidden) => view.hidden.take(hidden));
    this.on("reset", (reset) => {
      view.takeReset(reset);
      this.#rooms.get(reset.room)?.live.forgetReads();
    });
    this.on("contact", (contact) => void this.contactBook.take(contact));
    this.on("block", ({ user, on }) => view.account.takeBlock(user, on));
    this.on("user", (user) => {
      view.account.takeUser(super.user);
      this.contactBook.takeUser(user);
    });
    this.on("left", ({ room }) => {
      view.takeLeft(room);
      this.#reports.left(room);
      this.#rooms.get(room)?.live.ended();
      this.#rooms.get(room)?.live.forgetReads();
    });
    this.on("opened", (now) => this.room(now.room).live.opened(now));
    this.on("typing", (typing) => this.room(typing.room).live.takeTyping(typing));
    this.on("presence", (presence) => this.room(presence.room).live.takePresence(presence));
    this.on("receipt", (receipt) => this.room(receipt.room).live.takeReceipt(receipt));
    this.on("state", ({ name }) => (name === "online" ? this.#online() : this.#offline()));
  }

  /** What is in memory is another person's, beside what the view has. */
  #forgetPerson(): void {
    this.contactBook.clear();
    for (const { live } of this.#rooms.values()) live.forgetReads();
  }

  #online(): void {
    this.#pending.online();
    this.#reports.online();
    this.#reading.online();
    this.contactBook.online();
    for (const room of this.#inMemory) void unattended(this.room(room).messages.load());
  }

  #offline(): void {
    this.#pending.offline();
    this.#reports.offline();
    this.contactBook.offline();
    for (const { live } of this.#rooms.values()) live.ended();
  }

  /** Releases messages that nobody watches, of rooms that were looked at before the last few. */
  #loaded(room: string): void {
    void unattended(this.room(room).live.load());
    this.#inMemory.delete(room);
    this.#inMemory.add(room);
    const unwatched = [...this.#inMemory].filter((name) => !this.room(name).messages.isWatched);
    for (const name of unwatched.slice(0, -UNWATCHED_ROOMS))
      if (this.#inMemory.delete(name)) this.room(name).messages.release();
  }
}

/** An app need not wait for what is shown: a failure that nobody hears of is no uncaught error. */
function unattended<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
