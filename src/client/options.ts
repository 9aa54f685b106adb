/** The options and events of a client. */
import type {
  BlockFrame,
  CallFrame,
  ConnectionFrame,
  ContactFrame,
  HiddenFrame,
  PresenceFrame,
  ReadyFrame,
  ReceiptFrame,
  RoomEvent,
  RoomNow,
  SignalFrame,
  TypingFrame,
  UnreadFrame,
  UserFrame,
} from "../protocol/frames.ts";
import type { Backoff } from "./backoff.ts";
import type { Codec } from "./codec.ts";
import type { RoomPages } from "./commands/room-list.ts";
import type { CursorStore } from "./cursors.ts";
import type { ConnectionState, Token } from "./reconnecting-connection.ts";
import type { Reset } from "./room-logs.ts";
import type { Room } from "./rooms.ts";
import type { SocketConstructor } from "./socket.ts";

export interface ClientOptions {
  /** The URL of the socket: `wss://…/ws`. */
  url: string;
  /**
   * An access token, personal access token or JWT. A function is called before every hello; `refused` says that its last
   * token was refused, so it must return another one. It throws `SignedOut` when there is none. Where it tells when the token
   * ends, it is called again before that, and the session goes on with the next token.
   */
  token: string | ((refused: boolean) => Token | Promise<Token>);
  /** JSON when unset; `msgpackCodec` of msgpack.ts in Node. */
  codec?: Codec;
  /** The platform's when unset; Node before 22 needs the one of the `ws` package. */
  WebSocket?: SocketConstructor;
  /** Shown to operators beside the session, ≤ 128 characters. */
  device?: string;
  /** `pagedRooms(100)`: a session begins with so many rooms, and the others come behind it. All rooms at once when unset. */
  rooms?: RoomPages;
  /** Stores how far the app came; unset: a new client starts at the rooms' heads. */
  store?: CursorStore;
  /** Messages that may wait for their acknowledgement; 1,000 when unset. */
  outboxLimit?: number;
  /** Waits between attempts when the server names none. */
  backoff?: Backoff;
}

export type OpenedRoom = { room: string } & RoomNow;

export interface ClientEvents {
  state: ConnectionState;
  /** A session began, with the current rooms. */
  ready: ReadyFrame;
  /** The next event of a room, in order, once. */
  event: RoomEvent;
  /** A room's events can't be continued (`recovered: false`): load it again, see {@link Reset}. */
  reset: Reset;
  /** A room's entry in the list changed. */
  room: Room;
  /**
   * The user hid these messages for themselves: drop them. Those that were hidden while the client was away are in `hidden` of
   * `ready`; the events of some may come after it: pass over those.
   */
  hidden: HiddenFrame;
  /** The user is no longer in a room. */
  left: { room: string };
  /**
   * A room was opened, by `open` or in a new session. This replaces the presence, typing, read positions and call that the
   * app knew of it.
   */
  opened: OpenedRoom;
  /** The user has read on in a room or in a thread of it, or something there is unread no more, by any session. */
  unread: Omit<UnreadFrame, "op">;
  typing: TypingFrame;
  /** The user, or a member of one of the user's rooms, has another name, handle, picture or status. It may come several times. */
  user: UserFrame["user"];
  /** The user blocks another now, or no more, by any session. */
  block: Omit<BlockFrame, "op">;
  /** Another is in the user's contact book, or no more, by any session. */
  contact: ContactFrame;
  /** Somebody asks the user for a connection, answered theirs, or the user did so by any session. */
  connection: ConnectionFrame;
  presence: PresenceFrame;
  receipt: ReceiptFrame;
  call: Omit<CallFrame, "op">;
  /**
   * Another session in the same call said something to this one, by `callSignal`. Its id is `from`; our own is `session` of
   * `ready`.
   */
  signal: SignalFrame;
}
