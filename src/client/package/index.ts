/** What `import … from "@causeway/client"` gives. */

export type * from "../../protocol/frames/events.ts";
export type { OkFields, ReadyFrame, ServerFrame, WireActor, WireContact } from "../../protocol/frames.ts";
export { type Client, createClient, type HistoryPage, type Message, newMessageId } from "../client.ts";
export type { Fields } from "../commands/command.ts";
export { pagedRooms, type RoomPages } from "../commands/room-list.ts";
export { type FileToUpload, UploadRefused, uploadFile } from "../commands/uploads.ts";
export { type Cursor, type CursorStore, webStorageCursors } from "../cursors.ts";
export type { Observable, Unsubscribe } from "../emitter.ts";
export { ClientEnded, ConnectionLost, OutboxFull, Refused, SignedOut } from "../failures.ts";
export type { ClientEvents, ClientOptions, OpenedRoom } from "../options.ts";
export type { Ack } from "../outbox.ts";
export type { ConnectionState, Token } from "../reconnecting-connection.ts";
export type { Reset } from "../room-logs.ts";
export type { Room, RoomHandle } from "../rooms.ts";
export {
  type KeptLogin,
  type Login,
  type LoginStorage,
  type SignedInOptions,
  type SignInOptions,
  signedIn,
  signIn,
  webStorageLogin,
} from "../sign-in/sign-in.ts";
export type { SocketConstructor } from "../socket.ts";
