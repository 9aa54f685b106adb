/**
 * Matrix credentials for a user. The bridge implements this; it is absent without a homeserver. Every call rejects with
 * `DomainError("unavailable")` while the homeserver is away. Devices and passwords end when their credential is revoked.
 */
import type { Credential, User } from "../model.ts";

export interface MatrixAccounts {
  /**
   * A fresh password for the user's own Matrix account. `username` is the localpart of the full Matrix id `userID`,
   * `homeserver` where Matrix clients sign in.
   */
  credentials(
    user: User,
    credential: Credential,
  ): Promise<{ username: string; password: string; userID: string; homeserver: string }>;
  /** Signs the user in on a device; a device that is in use is deleted first, so that its old tokens die. */
  login(user: User, deviceId: string, credential: Credential): Promise<MatrixLogin>;
}

/** The answer of Messenger's Login, as the document spells it. */
export interface MatrixLogin {
  accessToken: string;
  deviceID: string;
  expiresInMS?: number;
  refreshToken?: string;
  userID: string;
  wellKnown: Record<string, { base_url: string }>;
}

/**
 * Something that the bridge put aside, with its reason: an event of the log or a change of a room that Matrix does not take,
 * or an event from Matrix that could not be applied.
 */
export interface DeadLetter {
  id: number;
  /** The room's token. */
  room: string;
  direction: "to_matrix" | "from_matrix";
  /** To Matrix: `message`, `edit`, `redaction`, `reaction`, `unreaction`, `file:1`, … or `change`. From Matrix: the event's type. */
  kind: string;
  /** Of a `change`: which, such as `invitation of u:42`. Else empty. */
  what: string;
  /** The event of the log; null for changes and for events from Matrix. */
  seq: number | null;
  matrixEvent: string | null;
  /** Matrix's own code, or null. */
  errcode: string | null;
  reason: string;
  /** When it was put aside, ms. */
  at: number;
  /** A change that the room's next turn repeats. */
  retried: boolean;
}

/** How far a room and its Matrix room are together. */
export interface BridgeRoomState {
  /** The room's token. */
  room: string;
  /** The Matrix room's id; null until there is one. */
  matrixRoom: string | null;
  /** The seq up to which the log is in Matrix, and the log's last. */
  mirrored: number;
  head: number;
  /** Events from Matrix that wait to be applied. */
  inbox: number;
  deadLetters: number;
  /** Turns in a row that failed, and why the last one did; null when none failed. */
  failures: number;
  reason: string | null;
}

/** Dead letters of the bridge, for operators. They stay until somebody retries or drops them, or their room is deleted. */
export interface BridgeLetters {
  /** Ascending by id. `room` (a token) keeps those of one room. */
  list(page: { room?: string | undefined; after: number; limit: number }): Promise<DeadLetter[]>;
  /** Tries it again; if it is refused once more, it becomes a letter again. @returns false when there is no such letter */
  retry(id: number): Promise<boolean>;
  /** @returns false when there is no such letter */
  drop(id: number): Promise<boolean>;
  /** Null for a room that the bridge does not have. */
  room(token: string): Promise<BridgeRoomState | null>;
}
