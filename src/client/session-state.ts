/**
 * State of the app that outlives a connection: open rooms, unacknowledged read markers, and calls. A new session does not
 * know it, so the client sends it again in every session.
 */
import type { CallFrame, OkFields, OkFrame, Question, RoomNow, UnreadFrame } from "../protocol/frames.ts";
import type { Fields } from "./commands/command.ts";
import { withoutHead } from "./commands/commands.ts";
import type { Connection } from "./connection.ts";
import { ConnectionLost, Refused } from "./failures.ts";
import type { OpenedRoom } from "./options.ts";

/** Takes what answers tell. */
export interface SessionStateHandlers {
  takeOpened(now: OpenedRoom): void;
  takeUnread(unread: Omit<UnreadFrame, "op">): void;
  takeCall(call: Omit<CallFrame, "op">): void;
}

export class SessionState {
  readonly #handlers: SessionStateHandlers;
  readonly #open = new Set<string>();
  /** The highest unacknowledged marker of each room, and whether it is being sent. */
  readonly #reads = new Map<string, { seq: number; isSending: boolean }>();
  /** The flags of the user's calls, by room. */
  readonly #calls = new Map<string, number>();
  /** Rooms whose call changed while they were being opened. That is newer than the call in the answer. */
  readonly #called = new Set<string>();
  #connection: Connection | null = null;

  constructor(handlers: SessionStateHandlers) {
    this.#handlers = handlers;
  }

  /** A session began: sends all state again. */
  online(connection: Connection): void {
    this.#connection = connection;
    const requests = [
      ...[...this.#open].map((room) => this.open(room)),
      ...[...this.#reads.keys()].map((room) => this.#sendRead(room)),
      ...[...this.#calls].map(([room, flags]) => this.call(room, flags)),
    ];
    for (const request of requests) {
      request.catch(() => {
        // The room is gone, and the app gets `left`. Refused state is dropped.
      });
    }
  }

  offline(): void {
    this.#connection = null;
  }

  /** The room's call changed. */
  heardCall(room: string): void {
    this.#called.add(room);
  }

  /** The user is no longer in the room. */
  left(room: string): void {
    this.#called.delete(room);
    this.#open.delete(room);
    this.#reads.delete(room);
    this.#calls.delete(room);
  }

  async open(room: string): Promise<void> {
    this.#open.add(room);
    this.#called.delete(room);
    const answer = await this.#ask<"open">({ op: "open", room }).catch((error: unknown) => {
      this.#open.delete(room);
      throw error;
    });
    // An older server answers without the room's state.
    if (answer?.present) this.#opened(room, withoutHead<"open">(answer));
  }

  #opened(room: string, now: RoomNow): void {
    this.#handlers.takeOpened({ room, ...now });
    if (!this.#called.has(room)) {
      this.#handlers.takeCall({ room, ...(now.call ?? { flags: 0, participants: [] }) });
    }
  }

  async close(room: string): Promise<void> {
    this.#open.delete(room);
    await this.#ask<"close">({ op: "close", room });
  }

  /** Sends a marker, unless one that is as high is being sent. */
  async read(room: string, seq: number): Promise<void> {
    const known = this.#reads.get(room);
    if (known && (seq < known.seq || (seq === known.seq && known.isSending))) return;
    this.#reads.set(room, { seq, isSending: false });
    await this.#sendRead(room);
  }

  /** Moves the marker of a thread, or marks the room as unread, once. Rejects with `Refused`, or with `ConnectionLost` when there is no session. */
  async mark(marker: Fields<"read">): Promise<void> {
    if (!this.#connection) throw new ConnectionLost();
    const counts = withoutHead<"read">(await this.#connection.ask<"read">({ op: "read", ...marker }));
    this.#handlers.takeUnread({ room: marker.room, ...counts, ...(marker.unread && { unreadMark: true }) });
  }

  /** Joins the room's call, or changes the flags in it: 1 in call, 2 audio, 4 video. */
  async call(room: string, flags: number): Promise<void> {
    this.#calls.set(room, flags);
    const answer = await this.#ask<"call.join">({ op: "call.join", room, flags }).catch((error: unknown) => {
      this.#calls.delete(room);
      throw error;
    });
    if (answer) this.#handlers.takeCall(answer);
  }

  async leaveCall(room: string): Promise<void> {
    this.#calls.delete(room);
    const answer = await this.#ask<"call.leave">({ op: "call.leave", room });
    if (answer) this.#handlers.takeCall(answer);
  }

  async #sendRead(room: string): Promise<void> {
    const marker = this.#reads.get(room);
    if (!marker) return;
    marker.isSending = true;
    let isSettled = false;
    try {
      const answer = await this.#ask<"read">({ op: "read", room, seq: marker.seq });
      if (answer) this.#handlers.takeUnread({ room, ...withoutHead<"read">(answer) });
      isSettled = answer !== null;
    } catch (error) {
      isSettled = !(error instanceof Refused && error.retry);
      // A busy server gets the marker again in the next session, or with the next marker.
      if (isSettled) throw error;
    } finally {
      marker.isSending = false;
      if (isSettled && this.#reads.get(room) === marker) this.#reads.delete(room);
    }
  }

  /** Null when there is no session, or it ends first: the next one sends the state again. Rejects with {@link Refused}. */
  async #ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op> | null> {
    if (!this.#connection) return null;
    try {
      return await this.#connection.ask<Op>(question);
    } catch (error) {
      if (error instanceof ConnectionLost) return null;
      throw error;
    }
  }
}
