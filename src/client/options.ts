/** What a client is made of, and what it tells. */
import type {
  CallFrame,
  EventFrame,
  PresenceFrame,
  ReadyFrame,
  ReceiptFrame,
  RoomNow,
  TypingFrame,
  UserFrame,
} from "../protocol/frames.ts";
import type { Backoff } from "./backoff.ts";
import type { Codec } from "./codec.ts";
import type { CursorStore } from "./cursors.ts";
import type { ConnectionState } from "./reconnecting-connection.ts";
import type { Reset } from "./room-logs.ts";
import type { Room } from "./rooms.ts";
import type { SocketConstructor } from "./socket.ts";

export interface ClientOptions {
  /** Of the socket: `wss://…/ws`. */
  url: string;
  /**
   * An access token, personal access token or JWT. A function is asked before every hello; `refused` tells it that its
   * last token was refused, so that it brings another. It throws `SignedOut` when there is none any more.
   */
  token: string | ((refused: boolean) => string | Promise<string>);
  /** JSON when unset; `msgpackCodec` of msgpack.ts in Node. */
  codec?: Codec;
  /** The platform's when unset; Node before 22 needs the one of the `ws` package. */
  WebSocket?: SocketConstructor;
  /** Shown to operators beside the session, ≤ 128 characters. */
  device?: string;
  /** Where to keep how far the app has come; unset: a new client starts at the rooms' heads. */
  store?: CursorStore;
  /** How many messages may wait for their acknowledgement; 1,000 when unset. */
  outboxLimit?: number;
  /** Waits between attempts when the server names none. */
  backoff?: Backoff;
}

export type OpenedRoom = { room: string } & RoomNow;

export interface ClientEvents {
  state: ConnectionState;
  /** A session began: the rooms as they stand. */
  ready: ReadyFrame;
  /** The next event of a room, in order, once. */
  event: EventFrame;
  /** A room's events can't be continued (`recovered: false`): load it again, see {@link Reset}. */
  reset: Reset;
  /** A room's entry in the list changed. */
  room: Room;
  /** A room is not ours any more. */
  left: { room: string };
  /**
   * A room was opened, by `open` or in a new session: who looks, who types, how far each has read, and the call are now as
   * told here, whatever was told before.
   */
  opened: OpenedRoom;
  typing: TypingFrame;
  /** Somebody in a room of the user's, or the user, goes by another name or handle now. It may come several times. */
  user: UserFrame["user"];
  presence: PresenceFrame;
  receipt: ReceiptFrame;
  call: Omit<CallFrame, "op">;
}
