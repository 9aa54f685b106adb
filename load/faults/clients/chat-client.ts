/** What the runs ask of a client, whoever wrote it: it comes back after every loss, and keeps book of what it was told. */
import type { View } from "../judge/view.ts";

export interface Person {
  /** Short, for reports: `p3`. */
  name: string;
  /** A personal access token. */
  token: string;
}

export interface ChatClient {
  readonly name: string;
  readonly person: Person;
  /** By room. */
  readonly views: ReadonlyMap<string, View>;
  /** Things that no run explains: rooms that were taken away, refusals for good. */
  readonly complaints: readonly string[];
  /** Connects for the first time. */
  start(): Promise<void>;
  /** Resolves when the server acknowledged; tries again under the same id until then. Rejects only after `stop`. */
  send(room: string, id: string, text: string): Promise<{ seq: number; at: number }>;
  /** Moves the read marker; resolves with what the server confirmed, null when it could not be said now. */
  read(room: string, seq: number): Promise<number | null>;
  /** Drops the connection and stays away until `comeBack`, as a phone that is switched off does. */
  sitOut(): void;
  comeBack(): void;
  stop(): void;
}
