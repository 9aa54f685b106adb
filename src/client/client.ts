/**
 * The client SDK of Causeway, for browsers and Node.
 *
 * What an app may rely on: every event of every room, once, in order, whatever happens to the connection; a message
 * that `send` resolved for is stored, once; and where a room's events can't be picked up again, a `reset` says so.
 *
 *     const client = createClient({ url: "wss://chat.example.org/ws", token: () => freshToken() });
 *     client.on("event", (event) => show(event));
 *     await client.connect();
 *     await client.send(room, "Hello");
 *
 * Reading order: this file, reconnecting-connection.ts (coming back), connection.ts (one socket), frame-dispatcher.ts (what the
 * server tells), room-logs.ts (order), outbox.ts (sending), session-state.ts (said anew), commands/, rooms.ts, cursors.ts.
 */
import type { ClientFrames, OkFields, OkFrame, Question, ReadyFrame, RoomEvent } from "../protocol/frames.ts";
import { DEFAULT_BACKOFF } from "./backoff.ts";
import { jsonCodec } from "./codec.ts";
import { type Fields, named } from "./commands/command.ts";
import { CommandMethods, withoutHead } from "./commands/commands.ts";
import { newMessageId } from "./commands/message-id.ts";
import type { Connection } from "./connection.ts";
import { CursorSaver, type CursorStore } from "./cursors.ts";
import { createEmitter, type Observable, type Unsubscribe } from "./emitter.ts";
import { ConnectionLost } from "./failures.ts";
import { FrameDispatcher } from "./frame-dispatcher.ts";
import type { ClientEvents, ClientOptions } from "./options.ts";
import { type Ack, Outbox, type Outgoing, type WriteOp } from "./outbox.ts";
import { type ConnectionState, endedError, ReconnectingConnection } from "./reconnecting-connection.ts";
import { type Room, RoomHandle } from "./rooms.ts";
import { SessionState } from "./session-state.ts";
import { platformSocket } from "./socket.ts";

export { newMessageId } from "./commands/message-id.ts";

export type HistoryPage = Omit<OkFields["history"], "events"> & { events: RoomEvent[] };
/** A message to send; it gets a new `id` where it has none. */
export type Message = Omit<Outgoing, "id"> & { id?: string };

/** Makes a client; nothing happens before {@link Client.connect}. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

export class Client extends CommandMethods {
  readonly #emitter = createEmitter<ClientEvents>();
  readonly #frames: FrameDispatcher;
  readonly #outbox: Outbox;
  readonly #session: SessionState;
  readonly #reconnecting: ReconnectingConnection;
  readonly #saver: CursorSaver;
  readonly #store: CursorStore | undefined;
  readonly #handles = new Map<string, RoomHandle>();
  #connection: Connection | null = null;
  #restored: Promise<void> | null = null;

  constructor(options: ClientOptions) {
    super();
    const { backoff = DEFAULT_BACKOFF, token, device, rooms } = options;
    this.#store = options.store;
    this.#outbox = new Outbox(options.outboxLimit, backoff);
    const restart = () => this.#connection?.end(1006, "a gap could not be filled");
    this.#frames = new FrameDispatcher(this.#emitter, restart, rooms);
    this.#saver = new CursorSaver(options.store, () => this.#frames.logs.cursor());
    this.#session = new SessionState(this.#frames);
    for (const name of ["event", "reset", "left"] as const) this.on(name, () => this.#saver.moved());
    this.on("left", ({ room }) => this.#session.left(room));
    this.on("call", ({ room }) => this.#session.heardCall(room));
    const { url, codec = jsonCodec, WebSocket = platformSocket() } = options;
    const connecting = {
      ...{ url, codec, WebSocket, backoff },
      token: typeof token === "string" ? () => token : token,
      renewable: typeof token === "function",
      hello: () => {
        const resume = this.resume();
        return {
          ...(device !== undefined && { device }),
          ...(rooms && { rooms: { limit: rooms.limit } }),
          ...(resume && { resume }),
        };
      },
    };
    this.#reconnecting = new ReconnectingConnection(connecting, {
      onReady: (ready, connection) => this.#begin(ready, connection),
      onFrame: (frame) => this.#frames.take(frame),
      onLost: () => this.#pause(),
      onState: (state) => this.#enter(state),
    });
  }

  /** Calls `listener` with every later event of this name; returns how to stop that. */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): Unsubscribe {
    return this.#emitter.on(name, listener);
  }

  get state(): ConnectionState {
    return this.#reconnecting.state;
  }

  /** Who we are; null before the first session. */
  get user(): ReadyFrame["user"] | null {
    return this.#frames.ready?.user ?? null;
  }

  /** Our rooms, newest activity first. */
  get rooms(): Observable<readonly Room[]> {
    return this.#frames.rooms.all;
  }

  /** A room by its token; the same object each time. */
  room(room: string): RoomHandle {
    const handle = this.#handles.get(room) ?? new RoomHandle(this, room, this.#frames.rooms.entry(room));
    this.#handles.set(room, handle);
    return handle;
  }

  /** Messages that are not acknowledged yet, in order within each room. */
  get waiting(): Outgoing[] {
    return this.#outbox.waiting();
  }

  /** Events that came again and were not shown again. */
  get duplicates(): number {
    return this.#frames.logs.duplicates;
  }

  /**
   * Connects, and from then on comes back after every loss. Resolves with the first session's `ready`;
   * rejects with {@link ClientEnded} when the server will not have us.
   */
  async connect(): Promise<ReadyFrame> {
    await this.#restore();
    if (this.#connection && this.#frames.ready) return this.#frames.ready;
    return new Promise((resolve, reject) => {
      const finish = (end: () => void) => {
        for (const off of offs) off();
        end();
      };
      const offs = [
        this.on("ready", (ready) => finish(() => resolve(ready))),
        this.on("state", (state) => {
          if (state.name === "ended") finish(() => reject(endedError(state)));
        }),
      ];
      if (this.state.name === "ended") finish(() => reject(endedError(this.state)));
      else this.#reconnecting.wake();
    });
  }

  /** Tries at once when it waits to try again: the network is back, or somebody looks at the app. */
  wake(): void {
    if (this.state.name === "waiting") this.#reconnecting.wake();
  }

  /** Begins a new session at once, for a fresh `ready`. Nothing is lost or told twice. */
  refresh(): void {
    this.#connection?.end(1000, "a fresh start");
    this.wake();
  }

  /** Ends for good. What waits in the outbox is rejected with {@link ClientEnded}; it may have arrived or not. */
  disconnect(): void {
    this.#reconnecting.end(1000, "disconnected");
  }

  /**
   * Sends a message; resolves when it is durable. Until then it is kept, and tried again under the same `id` through
   * any loss of the connection, in order within the room. Takes `(room, text, more?)` or one object; with `forward: {room, seq}` instead of a text it sends
   * a message on.
   * Rejects with `Refused` (the server will not take it), `OutboxFull`, or {@link ClientEnded}.
   */
  send(...said: [room: string, text: string, more?: Partial<Message>] | [message: Message]): Promise<Ack> {
    const message = named<Message>(said, "text");
    if (this.state.name === "ended") return Promise.reject(endedError(this.state));
    return this.#outbox.add({ ...message, id: message.id ?? newMessageId() });
  }

  /**
   * A page of a room's log, ascending: the last `limit` (1–200) events before a seq (or of all), or the first after
   * one, both exclusive; or the events `around` a seq, or from the time `at` on. Takes `(room, page?)` or one object.
   * Rejects with `Refused`, or with `ConnectionLost` while there is no session.
   */
  async history(
    ...said: [room: string, page?: Omit<Fields<"history">, "room">] | [page: Fields<"history">]
  ): Promise<HistoryPage> {
    const page = named<Fields<"history">>(said);
    return withoutHead<"history">(await this.ask<"history">({ ...page, op: "history" })) as HistoryPage;
  }

  /** Moves our read marker up to `seq`; one that could not be said is said in the next session. Other marks are not. */
  read(...said: [room: string, seq: number] | [marker: Fields<"read">]): Promise<void> {
    const marker = named<Fields<"read">>(said, "seq");
    if (marker.seq === undefined || marker.thread !== undefined) return this.#session.mark(marker);
    return this.#session.read(marker.room, marker.seq);
  }

  /**
   * Typing, presence and receipts flow for open rooms only; the event `opened` tells where they start from. Stays open
   * through losses until `close`.
   */
  open(...said: [room: string] | [Fields<"open">]): Promise<void> {
    return this.#session.open(named<Fields<"open">>(said).room);
  }

  close(...said: [room: string] | [Fields<"close">]): Promise<void> {
    return this.#session.close(named<Fields<"close">>(said).room);
  }

  /** Says that we are writing, or not any more. Worth nothing later, so it is dropped while there is no session. */
  typing(...said: [room: string, on: boolean] | [Fields<"typing">]): void {
    this.ask<"typing">({ op: "typing", ...named<Fields<"typing">>(said, "on") }).catch(() => {
      // Refused or lost: nobody misses it.
    });
  }

  /** Joins the room's call, again after losses, with our flags: 1 in call, 2 audio, 4 video. */
  callJoin({ room, flags }: Fields<"call.join">): Promise<void> {
    return this.#session.call(room, flags);
  }

  /** Changes our flags in the room's call. */
  callFlags({ room, flags }: Fields<"call.flags">): Promise<void> {
    return this.#session.call(room, flags);
  }

  callLeave({ room }: Fields<"call.leave">): Promise<void> {
    return this.#session.leaveCall(room);
  }

  /**
   * Says an op in the current session. Each op has a method, which is to be preferred. Rejects with `Refused`, or with
   * `ConnectionLost` when there is no session or it ends before the answer.
   */
  async ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op>> {
    if (!this.#connection) throw new ConnectionLost();
    return await this.#connection.ask<Op>(question);
  }

  /** Says a write behind the others of its room, in this session. Rejects with `Refused` or `ConnectionLost`. */
  protected writeNow<Op extends WriteOp>(question: Question<Op>): Promise<OkFields[Op]> {
    return this.#outbox.addOnce<Op>(question);
  }

  /** What the next session goes on from. */
  protected resume(): ClientFrames["hello"]["resume"] | null {
    return this.#frames.logs.resume();
  }

  /** Once; a store that failed is asked again by the next `connect`. */
  #restore(): Promise<void> {
    const load = async () => {
      const cursor = await this.#store?.load();
      if (cursor) this.#frames.restore(cursor);
    };
    this.#restored ??= load().catch((error: unknown) => {
      this.#restored = null;
      throw error;
    });
    return this.#restored;
  }

  #begin(ready: ReadyFrame, connection: Connection): void {
    this.#connection = connection;
    this.#frames.begin(ready, connection);
    this.#session.online(connection);
    this.#outbox.online(connection);
    this.#saver.moved();
  }

  #pause(): void {
    this.#connection = null;
    this.#frames.logs.pause();
    this.#session.offline();
    this.#outbox.offline();
  }

  #enter(state: ConnectionState): void {
    if (state.name === "ended") {
      this.#outbox.fail(endedError(state));
      this.#saver.flush();
    }
    this.#emitter.emit("state", state);
  }
}
