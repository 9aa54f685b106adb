/** The msgpack codec, for Node (browsers can't resolve its package): half the bytes of JSON. */
import { decodeMsgpack, encodeMsgpack } from "../protocol/codec.ts";
import { SUBPROTOCOLS } from "../protocol/subprotocols.ts";
import type { Codec } from "./codec.ts";

export const msgpackCodec: Codec = {
  subprotocol: SUBPROTOCOLS.msgpack,
  encode: encodeMsgpack,
  decode: (data) => {
    if (!(data instanceof ArrayBuffer)) throw new TypeError("a text frame on a msgpack connection");
    return decodeMsgpack(new Uint8Array(data));
  },
};
