/** What `import … from "@causeway/client/local"` gives: a client that keeps its data on the device. */
export type * from "../stores/store.ts";
export type { ContactBook } from "./contact-book.ts";
export type { ReadPosition } from "./live.ts";
export { createLocalClient, type LocalClient, type LocalOptions } from "./local-client.ts";
export type { LocalRoom, Messages } from "./local-room.ts";
export { Discarded, type LocalMessage, type PendingWrite } from "./pending-write.ts";
export type { Failure, TimelineItem, TimelineMessage, TimelineNotice } from "./timeline/timeline.ts";
