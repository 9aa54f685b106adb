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
 * Reading order: this file, lifeline.ts (coming back), connection.ts (one socket), room-logs.ts (order and gaps),
 * outbox.ts (sending), standing.ts (what each session is told anew), rooms.ts (the room list), cursors.ts (reloads).
 */
import type { CallFrame, OkFields, ReadyFrame, UserFrame } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import { DEFAULT_BACKOFF } from "./backoff.ts";
import { jsonCodec } from "./codec.ts";
import type { Announcement, Connection } from "./connection.ts";
import { CursorSaver, type CursorStore } from "./cursors.ts";
import { createEmitter, type Unsubscribe } from "./emitter.ts";
import { ClientEnded, ConnectionLost } from "./failures.ts";
import { type ConnectionState, Lifeline } from "./lifeline.ts";
import type { ClientEvents, ClientOptions } from "./options.ts";
import { type Ack, Outbox, type Outgoing } from "./outbox.ts";
import { RoomLogs } from "./room-logs.ts";
import { type Room, Rooms } from "./rooms.ts";
import { platformSocket } from "./socket.ts";
import { Standing } from "./standing.ts";

export type HistoryPage = OkFields["history"];

const OUTBOX_LIMIT = 1_000;

/** Makes a client; nothing happens before {@link Client.connect}. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

export class Client {
  readonly #emitter = createEmitter<ClientEvents>();
  readonly #rooms = new Rooms();
  readonly #logs: RoomLogs;
  readonly #outbox: Outbox;
  readonly #standing: Standing;
  readonly #lifeline: Lifeline;
  readonly #saver: CursorSaver;
  readonly #store: CursorStore | undefined;
  #connection: Connection | null = null;
  #ready: ReadyFrame | null = null;
  #restored: Promise<void> | null = null;

  constructor(options: ClientOptions) {
    const { backoff = DEFAULT_BACKOFF, outboxLimit = OUTBOX_LIMIT, token, device } = options;
    this.#store = options.store;
    this.#outbox = new Outbox(outboxLimit, backoff);
    this.#logs = this.#createLogs();
    this.#saver = new CursorSaver(options.store, () => this.#logs.cursor());
    this.#standing = new Standing({
      onUnread: (unread) => this.#change(unread.room, () => this.#rooms.unread(unread)),
      onCall: (call) => this.#takeCall(call),
      onOpened: (now) => this.#emitter.emit("opened", now),
    });
    const lifelineOptions = {
      url: options.url,
      codec: options.codec ?? jsonCodec,
      WebSocket: options.WebSocket ?? platformSocket(),
      backoff,
      token: typeof token === "string" ? () => token : token,
      renewable: typeof token === "function",
      hello: () => {
        const resume = this.#logs.resume();
        return { ...(device !== undefined && { device }), ...(resume && { resume }) };
      },
    };
    this.#lifeline = new Lifeline(lifelineOptions, {
      onReady: (ready, connection) => this.#begin(ready, connection),
      onFrame: (frame) => this.#take(frame),
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
    return this.#lifeline.state;
  }

  /** Who we are; null before the first session. */
  get user(): ReadyFrame["user"] | null {
    return this.#ready?.user ?? null;
  }

  /** Our rooms, newest activity first. */
  get rooms(): Room[] {
    return this.#rooms.list();
  }

  room(room: string): Room | undefined {
    return this.#rooms.get(room);
  }

  /** Messages that are not acknowledged yet, in order within each room. */
  get waiting(): Outgoing[] {
    return this.#outbox.waiting();
  }

  /** Events that came again and were not shown again. */
  get duplicates(): number {
    return this.#logs.duplicates;
  }

  /**
   * Connects, and from then on comes back after every loss. Resolves with the first session's `ready`;
   * rejects with {@link ClientEnded} when the server will not have us.
   */
  async connect(): Promise<ReadyFrame> {
    await this.#restore();
    if (this.#connection && this.#ready) return this.#ready;
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
      else this.#lifeline.wake();
    });
  }

  /** Tries at once when it waits to try again: the network is back, or somebody looks at the app. */
  wake(): void {
    if (this.state.name === "waiting") this.#lifeline.wake();
  }

  /**
   * Begins a new session at once, for a fresh `ready`: a room that we were brought into has no name before it. Nothing
   * is lost or told twice.
   */
  refresh(): void {
    this.#connection?.end(1000, "a fresh start");
    this.wake();
  }

  /** Ends for good. What waits in the outbox is rejected with {@link ClientEnded}; it may have arrived or not. */
  disconnect(): void {
    this.#lifeline.end(1000, "disconnected");
  }

  /**
   * Sends a message; resolves when it is durable. Until then it is kept, and tried again under the same `id` through
   * any loss of the connection, in order within the room.
   * Rejects with `Refused` (the server will not take it), `OutboxFull`, or {@link ClientEnded}.
   */
  send(
    room: string,
    text: string,
    more: Partial<Pick<Outgoing, "id" | "replyTo" | "mentions">> = {},
  ): Promise<Ack> {
    const { replyTo, mentions, id = newMessageId() } = more;
    if (this.state.name === "ended") return Promise.reject(endedError(this.state));
    return this.#outbox.add({
      room,
      id,
      text,
      ...(replyTo !== undefined && { replyTo }),
      ...(mentions && mentions.length > 0 && { mentions }),
    });
  }

  /**
   * A page of a room's log, ascending: the last `limit` (1–200) events before a seq (or of all), or the first after
   * one; both exclusive. Rejects with `Refused`, or with `ConnectionLost` while there is no session.
   */
  async history(
    room: string,
    page: { before?: number; after?: number; limit?: number } = {},
  ): Promise<HistoryPage> {
    if (!this.#connection) throw new ConnectionLost();
    const { events, more } = await this.#connection.ask<"history">({ op: "history", room, ...page });
    return { events, more };
  }

  /** Moves our read marker up to `seq`; a marker that could not be said is said in the next session. */
  read(room: string, seq: number): Promise<void> {
    return this.#standing.read(room, seq);
  }

  /**
   * Typing, presence and receipts flow for open rooms only; the event `opened` tells where they start from. Stays open
   * through losses until `close`.
   */
  open(room: string): Promise<void> {
    return this.#standing.open(room);
  }

  close(room: string): Promise<void> {
    return this.#standing.close(room);
  }

  /** Says that we are writing, or not any more. Worth nothing later, so it is dropped while there is no session. */
  typing(room: string, on: boolean): void {
    this.#connection?.ask<"typing">({ op: "typing", room, on }).catch(() => {
      // Refused or lost: nobody misses it.
    });
  }

  /** Joins the room's call (again after losses), or changes our flags: 1 in call, 2 audio, 4 video. */
  call(room: string, flags: number): Promise<void> {
    return this.#standing.call(room, flags);
  }

  leaveCall(room: string): Promise<void> {
    return this.#standing.leaveCall(room);
  }

  /** Once; a store that failed is asked again by the next `connect`. */
  #restore(): Promise<void> {
    const load = async () => {
      const cursor = await this.#store?.load();
      if (cursor) this.#logs.restore(cursor);
    };
    this.#restored ??= load().catch((error: unknown) => {
      this.#restored = null;
      throw error;
    });
    return this.#restored;
  }

  #createLogs(): RoomLogs {
    return new RoomLogs({
      onEvent: (event) => {
        this.#change(event.room, () => this.#rooms.apply(event));
        this.#emitter.emit("event", event);
        this.#saver.moved();
      },
      onReset: (reset) => {
        this.#emitter.emit("reset", reset);
        this.#saver.moved();
      },
      onLeft: (room) => {
        this.#rooms.left(room);
        this.#standing.left(room);
        this.#emitter.emit("left", { room });
        this.#saver.moved();
      },
      onStuck: () => this.#connection?.end(1006, "a gap could not be filled"),
    });
  }

  #begin(ready: ReadyFrame, connection: Connection): void {
    this.#connection = connection;
    this.#ready = ready;
    this.#rooms.begin(ready);
    this.#emitter.emit("ready", ready);
    this.#logs.begin(ready, (room, after) =>
      connection.ask<"history">({ op: "history", room, after, limit: LIMITS.HISTORY_MOST }),
    );
    this.#standing.online(connection);
    this.#outbox.online(connection);
    this.#saver.moved();
  }

  #pause(): void {
    this.#connection = null;
    this.#logs.pause();
    this.#standing.offline();
    this.#outbox.offline();
  }

  #enter(state: ConnectionState): void {
    if (state.name === "ended") {
      this.#outbox.fail(endedError(state));
      this.#saver.flush();
    }
    this.#emitter.emit("state", state);
  }

  #take(frame: Announcement): void {
    switch (frame.op) {
      case "event":
        this.#logs.take(frame);
        break;
      case "unread":
        this.#change(frame.room, () => this.#rooms.unread(frame));
        break;
      case "call":
        this.#standing.heardCall(frame.room);
        this.#takeCall(frame);
        break;
      case "user":
        this.#takeUser(frame);
        break;
      case "typing":
        this.#emitter.emit("typing", frame);
        break;
      case "presence":
        this.#emitter.emit("presence", frame);
        break;
      case "receipt":
        this.#emitter.emit("receipt", frame);
        break;
      default:
      // `bye` is the connection's; an op of a newer server is not for us.
    }
  }

  #takeUser({ user }: UserFrame): void {
    const ready = this.#ready;
    if (ready?.user.id === user.id) {
      this.#ready = { ...ready, user: { ...ready.user, handle: user.handle, name: user.name } };
    }
    this.#emitter.emit("user", user);
  }

  #takeCall(call: Omit<CallFrame, "op">): void {
    this.#change(call.room, () => this.#rooms.call(call));
    this.#emitter.emit("call", call);
  }

  /** Changes a room's entry and tells those who watch the list. */
  #change(room: string, change: () => void): void {
    const before = this.#rooms.get(room);
    change();
    const after = this.#rooms.get(room);
    if (after && after !== before) this.#emitter.emit("room", after);
  }
}

function endedError(state: ConnectionState): ClientEnded {
  const why = state.name === "ended" ? `${state.code} ${state.reason}` : "";
  return new ClientEnded(`The client has ended: ${why}`);
}

/**
 * An id for `send`, when it has to be known before: 128 random bits. `crypto.randomUUID` is missing on pages that came
 * over plain HTTP from another machine.
 */
export function newMessageId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
