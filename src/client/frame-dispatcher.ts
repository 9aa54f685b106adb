/** Turns the frames of the server into the app's events, and keeps the list of rooms up with them. */
import type {
  BlockFrame,
  CallFrame,
  ReadyFrame,
  RoomEvent,
  UnreadFrame,
  UserFrame,
} from "../protocol/frames.ts";
import { HISTORY_MOST } from "../protocol/limits.ts";
import type { Announcement, Connection } from "./connection.ts";
import type { Emitter } from "./emitter.ts";
import type { ClientEvents } from "./options.ts";
import { RoomLogs } from "./room-logs.ts";
import { including, Rooms } from "./rooms.ts";

export interface FrameDispatcherHandlers {
  /** What an app that is loaded again has to go on from has changed. */
  onMoved(): void;
  /** The room is not ours any more. */
  onLeft(room: string): void;
  /** The server told of a call by itself. */
  onCall(room: string): void;
  /** A gap could not be filled in this session: a new one resumes with proof. */
  onStuck(): void;
}

export class FrameDispatcher {
  readonly rooms = new Rooms();
  readonly logs: RoomLogs;
  readonly #emitter: Emitter<ClientEvents>;
  readonly #handlers: FrameDispatcherHandlers;
  #ready: ReadyFrame | null = null;

  constructor(emitter: Emitter<ClientEvents>, handlers: FrameDispatcherHandlers) {
    this.#emitter = emitter;
    this.#handlers = handlers;
    this.logs = new RoomLogs({
      onEvent: (event) => {
        this.#change(event.room, () => this.rooms.apply(event));
        this.#emitter.emit("event", event as RoomEvent);
        this.#handlers.onMoved();
      },
      onReset: (reset) => {
        this.#emitter.emit("reset", reset);
        this.#handlers.onMoved();
      },
      onLeft: (room) => {
        this.rooms.left(room);
        this.#handlers.onLeft(room);
        this.#emitter.emit("left", { room });
        this.#handlers.onMoved();
      },
      onStuck: () => this.#handlers.onStuck(),
    });
  }

  /** The `ready` of the last session, with the user's name of now; null before the first. */
  get ready(): ReadyFrame | null {
    return this.#ready;
  }

  begin(ready: ReadyFrame, connection: Connection): void {
    this.#ready = ready;
    this.rooms.begin(ready);
    this.#emitter.emit("ready", ready);
    this.logs.begin(ready, (room, after) =>
      connection.ask<"history">({ op: "history", room, after, limit: HISTORY_MOST }),
    );
  }

  take(frame: Announcement): void {
    switch (frame.op) {
      case "event":
        this.logs.take(frame);
        break;
      case "room":
        this.#change(frame.room.room, () => this.rooms.entered(frame));
        break;
      case "unread":
        this.takeUnread(frame);
        break;
      case "call":
        this.#handlers.onCall(frame.room);
        this.takeCall(frame);
        break;
      case "user":
        this.#takeUser(frame);
        break;
      case "block":
        this.#takeBlock(frame);
        break;
      case "typing":
      case "presence":
      case "receipt":
      case "hidden":
      case "contact":
      case "signal":
        this.#emitter.emit(frame.op, frame);
        break;
      default:
      // `bye` is the connection's; an op of a newer server is not for us.
    }
  }

  takeUnread(unread: Omit<UnreadFrame, "op">): void {
    this.#change(unread.room, () => this.rooms.unread(unread));
    this.#emitter.emit("unread", unread);
  }

  takeCall(call: Omit<CallFrame, "op">): void {
    this.#change(call.room, () => this.rooms.call(call));
    this.#emitter.emit("call", call);
  }

  #takeUser({ user }: UserFrame): void {
    const ready = this.#ready;
    if (ready?.user.id === user.id) {
      this.#ready = { ...ready, user: ownUser(ready.user, user) };
    }
    this.#emitter.emit("user", user);
  }

  #takeBlock({ user, on }: BlockFrame): void {
    const ready = this.#ready;
    if (!ready) return;
    this.#ready = { ...ready, blocked: including(ready.blocked ?? [], user, on) };
    this.#emitter.emit("block", { user, on });
  }

  /** Changes a room's entry and tells those who watch the list. */
  #change(room: string, change: () => void): void {
    const before = this.rooms.get(room);
    change();
    const after = this.rooms.get(room);
    if (after && after !== before) this.#emitter.emit("room", after);
  }
}

/** The profile with what a frame says anew: a picture or a status that it does not have is gone. */
function ownUser({ email, privacy }: ReadyFrame["user"], user: UserFrame["user"]): ReadyFrame["user"] {
  return { ...(email !== undefined && { email }), privacy, ...user };
}
