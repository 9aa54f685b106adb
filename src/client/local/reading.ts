/** Moves read markers of rooms and threads: at once here, and at the server when there is a session, now or later. */
import type { Fields } from "../commands/command.ts";
import { ConnectionLost, Refused } from "../failures.ts";
import type { LocalView } from "./local-view.ts";

/** Says a marker in this session. Rejects with `Refused`; that of a thread also with `ConnectionLost`. */
export type SayMarker = (marker: Fields<"read"> & { seq: number }) => Promise<void>;

export class Reading {
  readonly #view: LocalView;
  readonly #say: SayMarker;

  constructor(view: LocalView, say: SayMarker) {
    this.#view = view;
    this.#say = say;
  }

  /** Rejects with `Refused`. */
  readRoom(room: string, seq: number): Promise<void> {
    this.#view.mark(room, seq);
    return this.#sayRoom(room, seq);
  }

  /** @param root the seq with which the thread begins. Rejects with `Refused`. */
  readThread(room: string, root: number, seq: number): Promise<void> {
    this.#view.markThread(room, root, seq);
    return this.#sayThread(room, root, seq);
  }

  /** A session began: says what the server does not know. */
  online(): void {
    const { rooms, threads } = this.#view.markers;
    for (const [room, seq] of rooms) this.#sayRoom(room, seq).catch(() => undefined);
    for (const { room, root, seq } of threads) this.#sayThread(room, root, seq).catch(() => undefined);
  }

  async #sayRoom(room: string, seq: number): Promise<void> {
    try {
      await this.#say({ room, seq });
    } catch (error) {
      // Beyond the head of another history, or of a room that the user has left.
      if (error instanceof Refused && !error.retry) this.#view.unmark(room, seq);
      throw error;
    }
  }

  async #sayThread(room: string, thread: number, seq: number): Promise<void> {
    try {
      await this.#say({ room, thread, seq });
    } catch (error) {
      // It is kept for the next session.
      if (error instanceof ConnectionLost) return;
      if (!(error instanceof Refused) || error.retry) throw error;
      this.#view.unmarkThread(room, thread, seq);
      throw error;
    }
    this.#view.unmarkThread(room, thread, seq);
  }
}
