/** The frame `ready`: most of it are the entries of the user's rooms. */
import type { RoomEntryView } from "../../domain/use-cases/room-entries.ts";
import { encodeJson, encodeMsgpack } from "../../protocol/codec.ts";
import type { ReadyFrame } from "../../protocol/frames.ts";
import type { CodecName } from "../../protocol/subprotocols.ts";
import type { EntryShape } from "./room-entry.ts";

/** @param ready the frame without its rooms */
export function encodeReady(
  ready: Omit<ReadyFrame, "rooms">,
  rooms: readonly RoomEntryView[],
  codec: CodecName,
  entries: Pick<EntryShape, "shape" | "json">,
): string | Uint8Array {
  if (codec === "msgpack") return encodeMsgpack({ ...ready, rooms: rooms.map(entries.shape) });
  return `${encodeJson(ready).slice(0, -1)},"rooms":[${rooms.map(entries.json).join(",")}]}`;
}
