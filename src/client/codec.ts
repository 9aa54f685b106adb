/** Encodings of frames. JSON is built in and needs no package; msgpack.ts has msgpack for Node. */
import { JSON_SUBPROTOCOL } from "../protocol/subprotocols.ts";

export interface Codec {
  /** The WebSocket subprotocol of this encoding. */
  readonly subprotocol: string;
  encode(frame: object): string | Uint8Array;
  /** @param data text, or an ArrayBuffer. @throws when it is no frame of this codec */
  decode(data: unknown): unknown;
}

export const jsonCodec: Codec = {
  subprotocol: JSON_SUBPROTOCOL,
  encode: (frame) => JSON.stringify(frame),
  // An ArrayBuffer is no JSON, and is refused as such.
  decode: (data) => JSON.parse(data as string),
};
