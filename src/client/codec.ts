/** How frames look on the socket. JSON is built in and needs no package; msgpack for Node is in msgpack.ts. */
import { SUBPROTOCOLS } from "../protocol/subprotocols.ts";

export interface Codec {
  /** The WebSocket subprotocol that stands for it. */
  readonly subprotocol: string;
  encode(frame: object): string | Uint8Array;
  /** @param data text, or an ArrayBuffer. Throws when it is no frame of this codec. */
  decode(data: unknown): unknown;
}

export const jsonCodec: Codec = {
  subprotocol: SUBPROTOCOLS.json,
  encode: (frame) => JSON.stringify(frame),
  decode: (data) => {
    if (typeof data !== "string") throw new TypeError("a binary frame on a JSON connection");
    return JSON.parse(data);
  },
};
