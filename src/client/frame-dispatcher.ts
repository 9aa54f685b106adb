/** Turns the frames of the server into the app's events, and keeps the list of rooms up with them. */
import type {
  BlockFrame,
  CallFrame,
  ReadyFrame,
  RoomEntry,
  RoomEvent,
  UnreadFrame,
  UserFrame,
} from "../protocol/frames.ts";
import { HISTORY_MOST } from "../protocol/limits.ts";
import type { RoomPages } from "./commands/room-list.ts";
import type { Announcement, Connection } from "./connection.ts";
import type { Cursor } from "./cursors.ts";
import type { Emitter } from "./emitter.ts";
import { ConnectionLost } from "./failures.ts";
import type { ClientEvents, OpenedRoom } from "./options.ts";
import { RoomLogs } from "./room-logs.ts";
import { including, Rooms } from "./rooms.ts";

/** The entry of a room follows its first event within this time, ms; else the client asks for it. */
const ENTRY_WITHIN_MS = 2_000;

export class FrameDispatcher {
  readonly rooms = new Rooms((room) => this.#emitter.emit("room", room));
  readonly logs: RoomLogs;
  readonly #emitter: Emitter<ClientEvents>;
  readonly #onStuck: () => void;
  readonly #pages: RoomPages | undefined;
  #ready: ReadyFrame | null = null;
  #connection: Connection | null = null;
  #asking: ReturnType<typeof setTimeout> | undefined;

  /** @param onStuck a gap, or the list of rooms, could not be filled in this session: a new one resumes with proof */
  constructor(emitter: Emitter<ClientEvents>, onStuck: () => void, pages?: RoomPages) {
    this.#emitter = emitter;
    this.#onStuck = onStuck;
    this.#pages = pages;
    this.logs = new RoomLogs({
      onEvent: (event) => {
        this.rooms.apply(event);
        this.#emitter.emit("event", event as RoomEvent);
        if (this.rooms.areSomeComing) this.#asking ??= setTimeout(() => this.#askFirst(), ENTRY_WITHIN_MS);
      },
      onReset: (reset) => this.#emitter.emit("reset", reset),
      onLeft: (room) => {
        this.rooms.left(room);
        this.#emitter.emit("left", { room });
      },
      onStuck,
    });
  }

  /** The `ready` of the last session, with the user's name of now; null before the first. */
  get ready(): ReadyFrame | null {
    return this.#ready;
  }

  /** Goes on from where an earlier client of the same person was. */
  restore(cursor: Cursor): void {
    this.logs.restore(cursor);
    this.rooms.restore(cursor.entries ?? []);
  }

  begin(ready: ReadyFrame, connection: Connection): void {
    this.#ready = ready;
    this.#connection = connection;
    this.rooms.begin(ready);
    this.#emitter.emit("ready", ready);
    this.logs.begin(ready, (room, after) =>
      connection.ask<"history">({ op: "history", room, after, limit: HISTORY_MOST }),
    );
    if (ready.more) {
      this.#pages
        ?.load(ready, (question) => connection.ask<"rooms">(question), this)
        .catch((error: unknown) => {
          // The room behind which it asked is gone, or the server is busy. A new session begins again.
          if (!(error instanceof ConnectionLost)) this.#onStuck();
        });
    }
  }

  /** Takes entries that the session tells beside `ready`. */
  meet(rooms: readonly RoomEntry[]): void {
    for (const room of rooms) this.take({ op: "room", rev: room.rev, room });
    this.logs.meet(rooms);
  }

  /** The entry of a room did not come with its first event: it is among those that were active last [GW-15.7]. */
  #askFirst(): void {
    this.#asking = undefined;
    this.#connection?.ask<"rooms">({ op: "rooms" }).then(
      ({ rooms }) => this.meet(rooms),
      () => {
        // The next event of the room, or the next session, tries again.
      },
    );
  }

  take(frame: Announcement): void {
    switch (frame.op) {
      case "event":
        this.logs.take(frame);
        break;
      case "room":
        this.rooms.entered(frame);
        break;
      case "unread":
        this.takeUnread(frame);
        break;
      case "call":
        this.takeCall(frame);
        break;
      case "user":
        this.#takeUser(frame);
        break;
      case "block":
        this.#takeBlock(frame);
        break;
      // The connection's own.
      case "bye":
        break;
      // As it came; an op of a newer server has no listeners.
      default:
        this.#emitter.emit(frame.op, frame);
    }
  }

  takeOpened(now: OpenedRoom): void {
    this.#emitter.emit("opened", now);
  }

  takeUnread(unread: Omit<UnreadFrame, "op">): void {
    this.rooms.unread(unread);
    this.#emitter.emit("unread", unread);
  }

  takeCall(call: Omit<CallFrame, "op">): void {
    this.rooms.call(call);
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
}

/** The profile with what a frame says anew: a picture or a status that it does not have is gone. */
function ownUser({ email, privacy }: ReadyFrame["user"], user: UserFrame["user"]): ReadyFrame["user"] {
  return { ...(email !== undefined && { email }), privacy, ...user };
}
