/**
 * What the app wants to hold whatever becomes of a connection: rooms that it has open, read markers that are not
 * acknowledged, calls that it is in. A new session knows nothing of them, so each is said again in every session.
 */
import type { CallFrame, RoomNow, UnreadFrame } from "../protocol/frames.ts";
import type { Connection } from "./connection.ts";
import { ConnectionLost, Refused } from "./failures.ts";
import type { OpenedRoom } from "./options.ts";

export interface SessionStateHandlers {
  onOpened(now: OpenedRoom): void;
  onUnread(unread: Omit<UnreadFrame, "op">): void;
  onCall(call: Omit<CallFrame, "op">): void;
}

export class SessionState {
  readonly #handlers: SessionStateHandlers;
  readonly #open = new Set<string>();
  /** The highest marker of each room that the server has not acknowledged, and whether it is being told now. */
  readonly #reads = new Map<string, { seq: number; saying: boolean }>();
  /** Flags of the calls that we are in, by room. */
  readonly #calls = new Map<string, number>();
  /** Rooms whose call was told while they were being opened: that is newer than what the answer says. */
  readonly #called = new Set<string>();
  #connection: Connection | null = null;

  constructor(handlers: SessionStateHandlers) {
    this.#handlers = handlers;
  }

  /** A session began: says everything that stands. */
  online(connection: Connection): void {
    this.#connection = connection;
    const retold = [
      ...[...this.#open].map((room) => this.open(room)),
      ...[...this.#reads.keys()].map((room) => this.#sayRead(room)),
      ...[...this.#calls].map(([room, flags]) => this.call(room, flags)),
    ];
    for (const told of retold) {
      told.catch(() => {
        // Refused: the room is gone meanwhile, which the app hears as `left`; what is refused stands no more.
      });
    }
  }

  offline(): void {
    this.#connection = null;
  }

  /** The server told of a call by itself. */
  heardCall(room: string): void {
    this.#called.add(room);
  }

  /** The room is not ours any more. */
  left(room: string): void {
    this.#called.delete(room);
    this.#open.delete(room);
    this.#reads.delete(room);
    this.#calls.delete(room);
  }

  async open(room: string): Promise<void> {
    this.#open.add(room);
    this.#called.delete(room);
    const answer = await this.#say((connection) => connection.ask<"open">({ op: "open", room })).catch(
      (error: unknown) => {
        this.#open.delete(room);
        throw error;
      },
    );
    // A server of before tells nothing.
    if (answer?.present) this.#opened(room, answer);
  }

  #opened(room: string, { present, typing, reads, call }: RoomNow): void {
    this.#handlers.onOpened({ room, present, typing, reads, ...(call && { call }) });
    if (!this.#called.has(room)) this.#handlers.onCall({ room, ...(call ?? { flags: 0, participants: [] }) });
  }

  async close(room: string): Promise<void> {
    this.#open.delete(room);
    await this.#say((connection) => connection.ask<"close">({ op: "close", room }));
  }

  /** A marker that is no higher than one on its way changes nothing. */
  async read(room: string, seq: number): Promise<void> {
    const known = this.#reads.get(room);
    if (known && (seq < known.seq || (seq === known.seq && known.saying))) return;
    this.#reads.set(room, { seq, saying: false });
    await this.#sayRead(room);
  }

  /** Joins the room's call, or changes the flags in it: 1 in call, 2 audio, 4 video. */
  async call(room: string, flags: number): Promise<void> {
    this.#calls.set(room, flags);
    const answer = await this.#say((connection) =>
      connection.ask<"call.join">({ op: "call.join", room, flags }),
    ).catch((error: unknown) => {
      this.#calls.delete(room);
      throw error;
    });
    if (answer) this.#handlers.onCall(answer);
  }

  async leaveCall(room: string): Promise<void> {
    this.#calls.delete(room);
    const answer = await this.#say((connection) => connection.ask<"call.leave">({ op: "call.leave", room }));
    if (answer) this.#handlers.onCall(answer);
  }

  async #sayRead(room: string): Promise<void> {
    const marker = this.#reads.get(room);
    if (!marker) return;
    marker.saying = true;
    let isSettled = false;
    try {
      const answer = await this.#say((connection) =>
        connection.ask<"read">({ op: "read", room, seq: marker.seq }),
      );
      if (answer)
        this.#handlers.onUnread({ room, read: answer.read, unread: answer.unread, mention: answer.mention });
      isSettled = answer !== null;
    } catch (error) {
      isSettled = !(error instanceof Refused && error.retry);
      // A server that is busy is told again in the next session, or with the next marker.
      if (isSettled) throw error;
    } finally {
      marker.saying = false;
      if (isSettled && this.#reads.get(room) === marker) this.#reads.delete(room);
    }
  }

  /** Null when there is no session, or it ends first: the next one is told. Rejects with {@link Refused}. */
  async #say<T>(ask: (connection: Connection) => Promise<T>): Promise<T | null> {
    if (!this.#connection) return null;
    try {
      return await ask(this.#connection);
    } catch (error) {
      if (error instanceof ConnectionLost) return null;
      throw error;
    }
  }
}
